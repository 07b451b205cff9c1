DROP TABLE invoice_numbers;
ALTER TABLE invoice_lines DROP COLUMN freight_terms;
ALTER TABLE invoice_lines DROP COLUMN stop;
ALTER TABLE invoice_lines DROP COLUMN load_number;
DROP TABLE shipment_freight_terms;
DROP TABLE shipment_numbers;
