-- Entries that bring a memo to the general ledger have a reason of their own.

-- A rule on a column cannot be changed on every engine, so the table is made again.
ALTER TABLE journal_entries RENAME TO journal_entries_before;
CREATE TABLE journal_entries (
  partner_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  obligation_key TEXT NOT NULL,
  contract_version_id BIGINT NOT NULL,
  clause_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  obligation_day DATE NOT NULL,
  posting_day DATE NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('INITIAL', 'ACCRUAL', 'TRUE_UP', 'REVERSAL', 'CAP_REALLOCATION', 'ASSESSMENT', 'RECOGNITION', 'DISPUTE')),
  recognition TEXT NOT NULL CHECK (recognition IN ('MEMO', 'GL')),
  memo TEXT NOT NULL,
  run_id BIGINT,
  created_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, id)
);
INSERT INTO journal_entries (partner_id, id, obligation_key, contract_version_id, clause_id, period, obligation_day, posting_day, reason, recognition, memo, run_id, created_at)
SELECT partner_id, id, obligation_key, contract_version_id, clause_id, period, obligation_day, posting_day, reason, recognition, memo, run_id, created_at FROM journal_entries_before;
DROP TABLE journal_entries_before;
CREATE INDEX journal_entries_key ON journal_entries (partner_id, obligation_key);
CREATE INDEX journal_entries_posting ON journal_entries (posting_day);
