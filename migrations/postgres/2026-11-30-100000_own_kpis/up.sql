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
  created_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (code, version)
);

-- What a published figure was computed by is never rewritten, not even by hand.
CREATE TRIGGER own_kpis_stay BEFORE UPDATE ON own_kpis
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER own_kpis_keep BEFORE DELETE ON own_kpis
FOR EACH ROW EXECUTE FUNCTION history_refuse();
-- TRUNCATE removes rows without a DELETE.
CREATE TRIGGER own_kpis_whole BEFORE TRUNCATE ON own_kpis
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
