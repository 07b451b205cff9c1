-- What was written about a dispute that was sent, and when: to the partner, again before the answer is due, and to finance
-- when none came.

CREATE TABLE invoice_letters (
  partner_id BIGINT NOT NULL,
  invoice_id BIGINT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  kind TEXT NOT NULL CHECK (kind IN ('LETTER', 'REMINDER', 'OVERDUE')),
  told_on DATE NOT NULL,
  PRIMARY KEY (partner_id, invoice_id, seq, kind),
  FOREIGN KEY (partner_id, invoice_id, seq) REFERENCES invoice_steps (partner_id, invoice_id, seq)
);

CREATE INDEX invoice_steps_sent ON invoice_steps (partner_id, invoice_id, seq) WHERE kind = 'SENT';

CREATE TRIGGER invoice_letters_stay BEFORE UPDATE ON invoice_letters
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER invoice_letters_keep BEFORE DELETE ON invoice_letters
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER invoice_letters_whole BEFORE TRUNCATE ON invoice_letters
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
