ALTER TABLE contract_events DROP COLUMN written_sha256;
