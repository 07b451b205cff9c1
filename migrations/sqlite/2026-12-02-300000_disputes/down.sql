ALTER TABLE evidence_files RENAME TO evidence_files_after;
CREATE TABLE evidence_files (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL,
  subject TEXT NOT NULL CHECK (subject IN ('EXCLUSION', 'CHALLENGE')),
  subject_id BIGINT NOT NULL,
  file_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  byte_count BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  content BLOB NOT NULL,
  added_at INTEGER NOT NULL
);
INSERT INTO evidence_files (id, partner_id, subject, subject_id, file_name, kind, byte_count, sha256, content, added_at)
SELECT id, partner_id, subject, subject_id, file_name, kind, byte_count, sha256, content, added_at FROM evidence_files_after WHERE subject <> 'DISPUTE';
DROP TABLE evidence_files_after;
CREATE INDEX evidence_files_subject ON evidence_files (subject, subject_id);
CREATE TRIGGER evidence_files_stay BEFORE UPDATE ON evidence_files
BEGIN SELECT RAISE(ABORT, 'evidence_files is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER evidence_files_keep BEFORE DELETE ON evidence_files
BEGIN SELECT RAISE(ABORT, 'evidence_files is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER evidence_files_once BEFORE INSERT ON evidence_files
WHEN EXISTS (SELECT 1 FROM evidence_files WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'evidence_files is a history: rows are added, never changed or removed'); END;

DROP TABLE settlement_parts;
DROP TABLE settlements;
DROP TABLE set_off_grants;
DROP TABLE waiver_budgets;
DROP TABLE item_steps;
