-- A clause can price each missed pickup, and what is owed can be taken off an invoice where its clause says so.

ALTER TABLE clauses RENAME TO clauses_before;
CREATE TABLE clauses (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_version_id BIGINT NOT NULL REFERENCES contract_versions (id),
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  code TEXT NOT NULL,
  title TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('LATE_DELIVERY', 'MISSED_PICKUP', 'PERIOD_THRESHOLD', 'VOLUME_SHORTFALL', 'EARN_BACK', 'REBATE')),
  terms TEXT NOT NULL,
  UNIQUE (contract_version_id, code)
);
INSERT INTO clauses (id, contract_version_id, partner_id, code, title, kind, terms)
SELECT id, contract_version_id, partner_id, code, title, kind, terms FROM clauses_before;
DROP TABLE clauses_before;

ALTER TABLE settlements DROP CONSTRAINT settlements_kind_check;
ALTER TABLE settlements ADD CONSTRAINT settlements_kind_check CHECK (kind IN ('CREDIT_NOTE', 'OFFSET', 'DEDUCTION', 'INVOICE', 'PAYMENT', 'REFUND'));
