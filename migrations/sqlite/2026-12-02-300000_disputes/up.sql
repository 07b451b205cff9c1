-- What becomes of an item after the partner was told: accepted, disputed line by line, decided, settled.
CREATE TABLE item_steps (
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  obligation_key TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('ACCEPTED', 'DEEMED', 'DISPUTED', 'WITHDRAWN', 'PROPOSED', 'DECIDED', 'ESCALATED', 'SETTLED', 'CHANGED')),
  line INTEGER NOT NULL CHECK (line >= 0),
  ruling TEXT CHECK (ruling IN ('UPHELD', 'REDUCED', 'WAIVED')),
  unit TEXT NOT NULL,
  amount_micros BIGINT NOT NULL,
  words TEXT NOT NULL,
  day INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, obligation_key, seq),
  CHECK ((ruling IS NOT NULL) = (kind IN ('PROPOSED', 'DECIDED')))
);
CREATE INDEX item_steps_day ON item_steps (partner_id, day);

-- What of disputed money may be given up for a partner in a year.
CREATE TABLE waiver_budgets (
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  year INTEGER NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  amount_micros BIGINT NOT NULL CHECK (amount_micros >= 0),
  currency TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, year, seq)
);

-- Whether a contract lets us set credits off against what we pay, and where it says so.
CREATE TABLE set_off_grants (
  contract_id BIGINT NOT NULL REFERENCES contracts (id),
  seq INTEGER NOT NULL CHECK (seq > 0),
  partner_id BIGINT NOT NULL,
  granted BOOLEAN NOT NULL,
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (contract_id, seq)
);

-- What came in or went out for agreed items, and which of them it settles.
CREATE TABLE settlements (
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('CREDIT_NOTE', 'OFFSET', 'INVOICE', 'PAYMENT', 'REFUND')),
  number TEXT NOT NULL,
  number_key TEXT NOT NULL,
  settled_on INTEGER NOT NULL,
  currency TEXT NOT NULL,
  amount_micros BIGINT NOT NULL CHECK (amount_micros > 0),
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, id)
);
CREATE UNIQUE INDEX settlements_number ON settlements (partner_id, kind, number_key);

CREATE TABLE settlement_parts (
  partner_id BIGINT NOT NULL,
  settlement_id BIGINT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  obligation_key TEXT NOT NULL,
  amount_micros BIGINT NOT NULL CHECK (amount_micros > 0),
  posted_on INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, settlement_id, seq),
  FOREIGN KEY (partner_id, settlement_id) REFERENCES settlements (partner_id, id)
);
CREATE INDEX settlement_parts_key ON settlement_parts (partner_id, obligation_key);

CREATE TRIGGER item_steps_stay BEFORE UPDATE ON item_steps
BEGIN SELECT RAISE(ABORT, 'item_steps is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER item_steps_keep BEFORE DELETE ON item_steps
BEGIN SELECT RAISE(ABORT, 'item_steps is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER item_steps_once BEFORE INSERT ON item_steps
WHEN EXISTS (SELECT 1 FROM item_steps WHERE partner_id = NEW.partner_id AND obligation_key = NEW.obligation_key AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'item_steps is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER waiver_budgets_stay BEFORE UPDATE ON waiver_budgets
BEGIN SELECT RAISE(ABORT, 'waiver_budgets is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER waiver_budgets_keep BEFORE DELETE ON waiver_budgets
BEGIN SELECT RAISE(ABORT, 'waiver_budgets is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER waiver_budgets_once BEFORE INSERT ON waiver_budgets
WHEN EXISTS (SELECT 1 FROM waiver_budgets WHERE partner_id = NEW.partner_id AND year = NEW.year AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'waiver_budgets is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER set_off_grants_stay BEFORE UPDATE ON set_off_grants
BEGIN SELECT RAISE(ABORT, 'set_off_grants is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER set_off_grants_keep BEFORE DELETE ON set_off_grants
BEGIN SELECT RAISE(ABORT, 'set_off_grants is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER set_off_grants_once BEFORE INSERT ON set_off_grants
WHEN EXISTS (SELECT 1 FROM set_off_grants WHERE contract_id = NEW.contract_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'set_off_grants is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER settlements_stay BEFORE UPDATE ON settlements
BEGIN SELECT RAISE(ABORT, 'settlements is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER settlements_keep BEFORE DELETE ON settlements
BEGIN SELECT RAISE(ABORT, 'settlements is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER settlements_once BEFORE INSERT ON settlements
WHEN EXISTS (SELECT 1 FROM settlements WHERE partner_id = NEW.partner_id AND id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'settlements is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER settlement_parts_stay BEFORE UPDATE ON settlement_parts
BEGIN SELECT RAISE(ABORT, 'settlement_parts is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER settlement_parts_keep BEFORE DELETE ON settlement_parts
BEGIN SELECT RAISE(ABORT, 'settlement_parts is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER settlement_parts_once BEFORE INSERT ON settlement_parts
WHEN EXISTS (SELECT 1 FROM settlement_parts WHERE partner_id = NEW.partner_id AND settlement_id = NEW.settlement_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'settlement_parts is a history: rows are added, never changed or removed'); END;

-- Evidence comes with disputes too.
ALTER TABLE evidence_files RENAME TO evidence_files_before;
CREATE TABLE evidence_files (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL,
  subject TEXT NOT NULL CHECK (subject IN ('EXCLUSION', 'CHALLENGE', 'DISPUTE')),
  subject_id BIGINT NOT NULL,
  file_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  byte_count BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  content BLOB NOT NULL,
  added_at INTEGER NOT NULL
);
INSERT INTO evidence_files (id, partner_id, subject, subject_id, file_name, kind, byte_count, sha256, content, added_at)
SELECT id, partner_id, subject, subject_id, file_name, kind, byte_count, sha256, content, added_at FROM evidence_files_before;
DROP TABLE evidence_files_before;
CREATE INDEX evidence_files_subject ON evidence_files (subject, subject_id);
CREATE TRIGGER evidence_files_stay BEFORE UPDATE ON evidence_files
BEGIN SELECT RAISE(ABORT, 'evidence_files is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER evidence_files_keep BEFORE DELETE ON evidence_files
BEGIN SELECT RAISE(ABORT, 'evidence_files is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER evidence_files_once BEFORE INSERT ON evidence_files
WHEN EXISTS (SELECT 1 FROM evidence_files WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'evidence_files is a history: rows are added, never changed or removed'); END;
