-- From draft to signature to the end: what both sides sealed and signed, and every step that was taken.

-- The contract's own dates as they were agreed, as JSON, and the hash over everything agreed; empty before approval.
ALTER TABLE contract_versions ADD COLUMN agreed TEXT NOT NULL DEFAULT '';
ALTER TABLE contract_versions ADD COLUMN terms_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE contract_versions ADD COLUMN signed_by TEXT;
ALTER TABLE contract_versions ADD COLUMN signed_at TIMESTAMPTZ;

-- No foreign keys: the history of a discarded draft outlives it.
CREATE TABLE contract_events (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_id BIGINT NOT NULL,
  contract_version_id BIGINT NOT NULL,
  partner_id BIGINT NOT NULL,
  version INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  step TEXT NOT NULL CHECK (step IN ('START', 'SUBMIT', 'RETURN', 'APPROVE', 'RECALL', 'DECLINE', 'SIGN', 'BEGIN', 'SUSPEND', 'RESUME', 'SUPERSEDE', 'EXPIRE', 'TERMINATE', 'DISCARD')),
  from_status TEXT NOT NULL,
  to_status TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  actor_role TEXT NOT NULL,
  day DATE,
  note TEXT NOT NULL,
  terms_sha256 TEXT NOT NULL,
  UNIQUE (contract_version_id, seq)
);
CREATE INDEX contract_events_contract ON contract_events (contract_id);

-- Nobody rewrites history, not even by hand.
CREATE FUNCTION contract_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'contract_events is a history: rows are added, never changed or removed';
END
$$;
CREATE TRIGGER contract_events_stay BEFORE UPDATE ON contract_events
FOR EACH ROW EXECUTE FUNCTION contract_events_refuse();
CREATE TRIGGER contract_events_keep BEFORE DELETE ON contract_events
FOR EACH ROW EXECUTE FUNCTION contract_events_refuse();
