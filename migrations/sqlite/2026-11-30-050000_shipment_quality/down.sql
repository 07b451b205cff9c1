DROP TABLE shipment_quality;
