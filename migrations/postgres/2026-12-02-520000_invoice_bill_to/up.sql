-- To whom an invoice is addressed, as it says.

ALTER TABLE invoices ADD COLUMN bill_to TEXT;
