-- The terms stay as they were agreed; the program of before says that it cannot read those of the new kind.
ALTER TABLE clauses RENAME TO clauses_after;
CREATE TABLE clauses (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_version_id BIGINT NOT NULL REFERENCES contract_versions (id),
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  code TEXT NOT NULL,
  title TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('LATE_DELIVERY', 'PERIOD_THRESHOLD', 'VOLUME_SHORTFALL', 'EARN_BACK', 'REBATE')),
  terms TEXT NOT NULL,
  UNIQUE (contract_version_id, code)
);
INSERT INTO clauses (id, contract_version_id, partner_id, code, title, kind, terms)
SELECT id, contract_version_id, partner_id, code, title, CASE kind WHEN 'MISSED_PICKUP' THEN 'LATE_DELIVERY' ELSE kind END, terms FROM clauses_after;
DROP TABLE clauses_after;

-- A deduction is a set-off to the program of before, unless its number is taken: then it stays, and this stops.
ALTER TABLE settlements RENAME TO settlements_after;
ALTER TABLE settlement_parts RENAME TO settlement_parts_after;
CREATE TABLE settlements (
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('CREDIT_NOTE', 'OFFSET', 'INVOICE', 'PAYMENT', 'REFUND')),
  number TEXT NOT NULL,
  number_key TEXT NOT NULL,
  settled_on DATE NOT NULL,
  currency TEXT NOT NULL,
  amount_micros BIGINT NOT NULL CHECK (amount_micros > 0),
  words TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, id)
);
INSERT INTO settlements (partner_id, id, kind, number, number_key, settled_on, currency, amount_micros, words, at, actor, actor_id)
SELECT partner_id, id, CASE kind WHEN 'DEDUCTION' THEN 'OFFSET' ELSE kind END, number, number_key, settled_on, currency, amount_micros, words, at, actor, actor_id FROM settlements_after;
CREATE TABLE settlement_parts (
  partner_id BIGINT NOT NULL,
  settlement_id BIGINT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  obligation_key TEXT NOT NULL,
  amount_micros BIGINT NOT NULL CHECK (amount_micros > 0),
  posted_on DATE NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, settlement_id, seq),
  FOREIGN KEY (partner_id, settlement_id) REFERENCES settlements (partner_id, id)
);
INSERT INTO settlement_parts (partner_id, settlement_id, seq, obligation_key, amount_micros, posted_on, at, actor, actor_id)
SELECT partner_id, settlement_id, seq, obligation_key, amount_micros, posted_on, at, actor, actor_id FROM settlement_parts_after;
DROP TABLE settlement_parts_after;
DROP TABLE settlements_after;
CREATE UNIQUE INDEX settlements_number ON settlements (partner_id, kind, number_key);
CREATE INDEX settlement_parts_key ON settlement_parts (partner_id, obligation_key);
CREATE TRIGGER settlements_stay BEFORE UPDATE ON settlements
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER settlements_keep BEFORE DELETE ON settlements
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER settlements_whole BEFORE TRUNCATE ON settlements
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER settlement_parts_stay BEFORE UPDATE ON settlement_parts
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER settlement_parts_keep BEFORE DELETE ON settlement_parts
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER settlement_parts_whole BEFORE TRUNCATE ON settlement_parts
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
