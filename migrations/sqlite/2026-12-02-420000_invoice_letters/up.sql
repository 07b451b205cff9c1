-- What was written about a dispute that was sent, and when: to the partner, again before the answer is due, and to finance
-- when none came.

CREATE TABLE invoice_letters (
  partner_id BIGINT NOT NULL,
  invoice_id BIGINT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  kind TEXT NOT NULL CHECK (kind IN ('LETTER', 'REMINDER', 'OVERDUE')),
  told_on INTEGER NOT NULL,
  PRIMARY KEY (partner_id, invoice_id, seq, kind),
  FOREIGN KEY (partner_id, invoice_id, seq) REFERENCES invoice_steps (partner_id, invoice_id, seq)
) WITHOUT ROWID;

CREATE INDEX invoice_steps_sent ON invoice_steps (partner_id, invoice_id, seq) WHERE kind = 'SENT';

CREATE TRIGGER invoice_letters_stay BEFORE UPDATE ON invoice_letters
BEGIN SELECT RAISE(ABORT, 'invoice_letters is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_letters_keep BEFORE DELETE ON invoice_letters
BEGIN SELECT RAISE(ABORT, 'invoice_letters is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_letters_once BEFORE INSERT ON invoice_letters
WHEN EXISTS (SELECT 1 FROM invoice_letters WHERE partner_id = NEW.partner_id AND invoice_id = NEW.invoice_id AND seq = NEW.seq AND kind = NEW.kind)
BEGIN SELECT RAISE(ABORT, 'invoice_letters is a history: rows are added, never changed or removed'); END;
