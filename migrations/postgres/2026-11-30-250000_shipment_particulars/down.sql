DROP TABLE shipment_particulars;
