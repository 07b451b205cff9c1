-- What people ruled about what an audit holds: released to be paid, refused, and above a limit asked for and decided by a second
-- person. `held` keeps the positions as they stood.

CREATE TABLE invoice_rulings (
  partner_id BIGINT NOT NULL,
  invoice_id BIGINT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  kind TEXT NOT NULL CHECK (kind IN ('ASKED', 'RELEASED', 'REFUSED', 'DECLINED')),
  audit_seq INTEGER NOT NULL,
  held TEXT NOT NULL,
  amount_micros BIGINT NOT NULL CHECK (amount_micros >= 0),
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, invoice_id, seq),
  FOREIGN KEY (partner_id, invoice_id, audit_seq) REFERENCES invoice_audits (partner_id, invoice_id, seq)
) WITHOUT ROWID;

CREATE TRIGGER invoice_rulings_stay BEFORE UPDATE ON invoice_rulings
BEGIN SELECT RAISE(ABORT, 'invoice_rulings is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_rulings_keep BEFORE DELETE ON invoice_rulings
BEGIN SELECT RAISE(ABORT, 'invoice_rulings is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_rulings_once BEFORE INSERT ON invoice_rulings
WHEN EXISTS (SELECT 1 FROM invoice_rulings WHERE partner_id = NEW.partner_id AND invoice_id = NEW.invoice_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'invoice_rulings is a history: rows are added, never changed or removed'); END;
