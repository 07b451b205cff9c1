-- Hash over kind, summary and authors of a version at its approval; empty for other steps and for older ones.
ALTER TABLE contract_events ADD COLUMN written_sha256 TEXT NOT NULL DEFAULT '';
