DROP INDEX invoice_steps_sent;
DROP TABLE invoice_letters;
