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
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, invoice_id, seq),
  FOREIGN KEY (partner_id, invoice_id, audit_seq) REFERENCES invoice_audits (partner_id, invoice_id, seq)
);

CREATE TRIGGER invoice_rulings_stay BEFORE UPDATE ON invoice_rulings
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER invoice_rulings_keep BEFORE DELETE ON invoice_rulings
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER invoice_rulings_whole BEFORE TRUNCATE ON invoice_rulings
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
