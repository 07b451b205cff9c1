-- Files attached to contracts, and what happened to each: shown to the partner, hidden, withdrawn. Nothing is changed or
-- removed. No foreign keys: the file of a discarded draft outlives it.

CREATE TABLE contract_attachments (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_id BIGINT NOT NULL,
  contract_version_id BIGINT,
  version INTEGER,
  partner_id BIGINT NOT NULL,
  file_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  byte_count BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  note TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  added_by TEXT NOT NULL,
  added_by_id BIGINT NOT NULL,
  content BLOB NOT NULL
);
CREATE INDEX contract_attachments_contract ON contract_attachments (contract_id);

CREATE TABLE contract_attachment_moves (
  attachment_id BIGINT NOT NULL,
  seq INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('SHARE', 'HIDE', 'WITHDRAW')),
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (attachment_id, seq)
);

CREATE TRIGGER contract_attachments_stay BEFORE UPDATE ON contract_attachments
BEGIN SELECT RAISE(ABORT, 'contract_attachments is a record: rows are added, never changed or removed'); END;
CREATE TRIGGER contract_attachments_keep BEFORE DELETE ON contract_attachments
BEGIN SELECT RAISE(ABORT, 'contract_attachments is a record: rows are added, never changed or removed'); END;
CREATE TRIGGER contract_attachment_moves_stay BEFORE UPDATE ON contract_attachment_moves
BEGIN SELECT RAISE(ABORT, 'contract_attachment_moves is a record: rows are added, never changed or removed'); END;
CREATE TRIGGER contract_attachment_moves_keep BEFORE DELETE ON contract_attachment_moves
BEGIN SELECT RAISE(ABORT, 'contract_attachment_moves is a record: rows are added, never changed or removed'); END;
