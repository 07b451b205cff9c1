DROP TABLE invoice_rulings;
