-- KPIs that the shipper defines by a formula: one row a version, only added to. The newest one of a code counts; a row
-- that says retired ends it, and a later one that does not takes it up again.

CREATE TABLE own_kpis (
  code TEXT NOT NULL,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  unit TEXT NOT NULL,
  better TEXT NOT NULL CHECK (better IN ('HIGHER', 'LOWER')),
  formula TEXT NOT NULL,
  rules TEXT NOT NULL,
  volume TEXT NOT NULL CHECK (volume IN ('PROPORTION', 'MEAN')),
  retired BOOLEAN NOT NULL,
  created_by TEXT NOT NULL,
  created_by_id BIGINT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (code, version)
) WITHOUT ROWID;

-- What a published figure was computed by is never rewritten, not even by hand.
CREATE TRIGGER own_kpis_stay BEFORE UPDATE ON own_kpis
BEGIN SELECT RAISE(ABORT, 'own_kpis is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER own_kpis_keep BEFORE DELETE ON own_kpis
BEGIN SELECT RAISE(ABORT, 'own_kpis is a history: rows are added, never changed or removed'); END;
-- REPLACE removes a row without a DELETE.
CREATE TRIGGER own_kpis_once BEFORE INSERT ON own_kpis
WHEN EXISTS (SELECT 1 FROM own_kpis WHERE code = NEW.code AND version = NEW.version)
BEGIN SELECT RAISE(ABORT, 'own_kpis is a history: rows are added, never changed or removed'); END;
