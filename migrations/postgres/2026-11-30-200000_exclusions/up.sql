-- Units that one side asks to have excused, and what was decided about each; both only added to. The newest decision of
-- an exclusion counts; without one it waits. Files that came as evidence lie in the database, as those of contracts do.
CREATE TABLE exclusions (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  shipment_id BIGINT NOT NULL,
  source_id INTEGER NOT NULL,
  reference TEXT NOT NULL,
  stop TEXT NOT NULL CHECK (stop IN ('PICKUP', 'DELIVERY')),
  party TEXT NOT NULL CHECK (party IN ('SHIPPER', 'CONSIGNEE', 'FORCE_MAJEURE', 'GOVERNMENT')),
  reason_code TEXT NOT NULL,
  statement TEXT NOT NULL,
  evidence TEXT NOT NULL,
  side TEXT NOT NULL CHECK (side IN ('SHIPPER', 'PARTNER')),
  due_on DATE NOT NULL,
  requested_at TIMESTAMPTZ NOT NULL,
  requested_by TEXT NOT NULL,
  requested_by_id BIGINT NOT NULL
);
CREATE INDEX exclusions_shipment ON exclusions (partner_id, shipment_id);

CREATE TABLE exclusion_decisions (
  exclusion_id BIGINT NOT NULL REFERENCES exclusions (id),
  seq INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('APPROVED', 'DENIED', 'WITHDRAWN')),
  basis TEXT NOT NULL CHECK (basis IN ('PERSON', 'FACTS', 'TIME')),
  words TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (exclusion_id, seq)
);
CREATE INDEX exclusion_decisions_partner ON exclusion_decisions (partner_id);

CREATE TABLE evidence_files (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL,
  subject TEXT NOT NULL CHECK (subject IN ('EXCLUSION', 'CHALLENGE')),
  subject_id BIGINT NOT NULL,
  file_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  byte_count BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  content BYTEA NOT NULL,
  added_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX evidence_files_subject ON evidence_files (subject, subject_id);

CREATE TRIGGER exclusions_stay BEFORE UPDATE ON exclusions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER exclusions_keep BEFORE DELETE ON exclusions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER exclusions_whole BEFORE TRUNCATE ON exclusions
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER exclusion_decisions_stay BEFORE UPDATE ON exclusion_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER exclusion_decisions_keep BEFORE DELETE ON exclusion_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER exclusion_decisions_whole BEFORE TRUNCATE ON exclusion_decisions
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER evidence_files_stay BEFORE UPDATE ON evidence_files
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER evidence_files_keep BEFORE DELETE ON evidence_files
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER evidence_files_whole BEFORE TRUNCATE ON evidence_files
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
