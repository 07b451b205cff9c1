ALTER TABLE invoices DROP COLUMN bill_to;
