DROP TABLE contract_events;
DROP FUNCTION contract_events_refuse();
ALTER TABLE contract_versions DROP COLUMN signed_at;
ALTER TABLE contract_versions DROP COLUMN signed_by;
ALTER TABLE contract_versions DROP COLUMN terms_sha256;
ALTER TABLE contract_versions DROP COLUMN agreed;
