-- The terms stay as they were agreed; the program of before says that it cannot read those of the new kinds.
ALTER TABLE clauses RENAME TO clauses_after;
CREATE TABLE clauses (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_version_id BIGINT NOT NULL REFERENCES contract_versions (id),
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  code TEXT NOT NULL,
  title TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('LATE_DELIVERY', 'PERIOD_THRESHOLD')),
  terms TEXT NOT NULL,
  UNIQUE (contract_version_id, code)
);
INSERT INTO clauses (id, contract_version_id, partner_id, code, title, kind, terms)
SELECT id, contract_version_id, partner_id, code, title, CASE kind WHEN 'LATE_DELIVERY' THEN kind ELSE 'PERIOD_THRESHOLD' END, terms
FROM clauses_after;
DROP TABLE clauses_after;
