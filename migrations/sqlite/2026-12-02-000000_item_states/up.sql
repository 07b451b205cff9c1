-- Items are disputed, agreed and settled, and what settles them is posted for a reason of its own.

-- A rule on a column cannot be changed on every engine, so the tables are made again.
ALTER TABLE accruals RENAME TO accruals_before;
CREATE TABLE accruals (
  partner_id BIGINT NOT NULL,
  obligation_key TEXT NOT NULL,
  contract_version_id BIGINT NOT NULL,
  clause_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  obligation_day INTEGER NOT NULL,
  shipment_id BIGINT,
  uncapped_micros BIGINT NOT NULL,
  target_micros BIGINT NOT NULL,
  forgone_micros BIGINT NOT NULL,
  currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ESTIMATED', 'ACCRUED', 'ASSESSED', 'DISPUTED', 'AGREED', 'SETTLED', 'REVERSED')),
  steps TEXT NOT NULL,
  run_id BIGINT,
  updated_at INTEGER NOT NULL,
  assessed_on INTEGER,
  PRIMARY KEY (partner_id, obligation_key)
);
INSERT INTO accruals (partner_id, obligation_key, contract_version_id, clause_id, period, obligation_day, shipment_id, uncapped_micros, target_micros, forgone_micros, currency, state, steps, run_id, updated_at, assessed_on)
SELECT partner_id, obligation_key, contract_version_id, clause_id, period, obligation_day, shipment_id, uncapped_micros, target_micros, forgone_micros, currency, state, steps, run_id, updated_at, assessed_on FROM accruals_before;
DROP TABLE accruals_before;
CREATE INDEX accruals_period ON accruals (period, partner_id);

ALTER TABLE journal_entries RENAME TO journal_entries_before;
CREATE TABLE journal_entries (
  partner_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  obligation_key TEXT NOT NULL,
  contract_version_id BIGINT NOT NULL,
  clause_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  obligation_day INTEGER NOT NULL,
  posting_day INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('INITIAL', 'ACCRUAL', 'TRUE_UP', 'REVERSAL', 'CAP_REALLOCATION', 'ASSESSMENT', 'RECOGNITION', 'DISPUTE', 'SETTLEMENT')),
  recognition TEXT NOT NULL CHECK (recognition IN ('MEMO', 'GL')),
  memo TEXT NOT NULL,
  run_id BIGINT,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (partner_id, id)
);
INSERT INTO journal_entries (partner_id, id, obligation_key, contract_version_id, clause_id, period, obligation_day, posting_day, reason, recognition, memo, run_id, created_at)
SELECT partner_id, id, obligation_key, contract_version_id, clause_id, period, obligation_day, posting_day, reason, recognition, memo, run_id, created_at FROM journal_entries_before;
DROP TABLE journal_entries_before;
CREATE INDEX journal_entries_key ON journal_entries (partner_id, obligation_key);
CREATE INDEX journal_entries_posting ON journal_entries (posting_day);
CREATE TRIGGER journal_entries_stay BEFORE UPDATE ON journal_entries
BEGIN SELECT RAISE(ABORT, 'journal_entries is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_entries_keep BEFORE DELETE ON journal_entries
BEGIN SELECT RAISE(ABORT, 'journal_entries is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_entries_once BEFORE INSERT ON journal_entries
WHEN EXISTS (SELECT 1 FROM journal_entries WHERE partner_id = NEW.partner_id AND id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'journal_entries is a history: rows are added, never changed or removed'); END;
