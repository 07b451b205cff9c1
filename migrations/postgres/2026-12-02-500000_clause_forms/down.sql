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
ALTER TABLE settlements DROP CONSTRAINT settlements_kind_check;
ALTER TABLE settlements DISABLE TRIGGER settlements_stay;
UPDATE settlements SET kind = 'OFFSET' WHERE kind = 'DEDUCTION';
ALTER TABLE settlements ENABLE TRIGGER settlements_stay;
ALTER TABLE settlements ADD CONSTRAINT settlements_kind_check CHECK (kind IN ('CREDIT_NOTE', 'OFFSET', 'INVOICE', 'PAYMENT', 'REFUND'));
