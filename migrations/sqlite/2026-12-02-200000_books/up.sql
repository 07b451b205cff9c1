-- The books: which months are closed and how, the chain of entries, sums by month, what was exported, and under which
-- numbers and names accounts are shown.

-- Closed months. They are closed one after the other and never opened again; late changes post in the first open month.

CREATE TABLE period_closes (
  month TEXT NOT NULL PRIMARY KEY,
  last_day INTEGER NOT NULL,
  closed_by_id BIGINT NOT NULL,
  closed_by TEXT NOT NULL,
  closed_at INTEGER NOT NULL,
  steps TEXT NOT NULL,
  heads TEXT NOT NULL,
  ledger_sha256 TEXT NOT NULL
);

-- What every account of every partner stood at when a month was closed, on the account's normal side: where the next opens.

CREATE TABLE period_balances (
  month TEXT NOT NULL REFERENCES period_closes (month),
  partner_id BIGINT NOT NULL,
  currency TEXT NOT NULL,
  account INTEGER NOT NULL,
  balance_micros BIGINT NOT NULL,
  PRIMARY KEY (month, partner_id, currency, account)
) WITHOUT ROWID;

-- Each time the ledger was re-performed for a close: at which state of the ledger, and what was wrong.

CREATE TABLE close_checks (
  id BIGINT NOT NULL PRIMARY KEY,
  month TEXT NOT NULL,
  checked_by TEXT NOT NULL,
  checked_at INTEGER NOT NULL,
  ledger_sha256 TEXT NOT NULL,
  entries BIGINT NOT NULL,
  problems BIGINT NOT NULL CHECK (problems >= 0),
  first_problem TEXT NOT NULL
);

-- A step of a close that is passed over: one person asks with a reason, another decides. It holds for what was found then.

CREATE TABLE close_overrides (
  id BIGINT NOT NULL PRIMARY KEY,
  month TEXT NOT NULL,
  step TEXT NOT NULL CHECK (step IN ('FACTS', 'ACCRUED', 'REPERFORMED', 'RATED', 'DISPUTES', 'WAIVERS', 'EXPORTED')),
  finding TEXT NOT NULL,
  reason TEXT NOT NULL,
  asked_by_id BIGINT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_at INTEGER NOT NULL
);
CREATE INDEX close_overrides_month ON close_overrides (month, id);

CREATE TABLE close_override_decisions (
  override_id BIGINT NOT NULL PRIMARY KEY REFERENCES close_overrides (id),
  is_approved BOOLEAN NOT NULL,
  note TEXT NOT NULL,
  decided_by_id BIGINT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_at INTEGER NOT NULL
);

-- The chain: the n-th entry of a partner under a hash over its content and the hash before it.

CREATE TABLE journal_seals (
  partner_id BIGINT NOT NULL,
  seq BIGINT NOT NULL CHECK (seq > 0),
  entry_id BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (partner_id, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX journal_seals_entry ON journal_seals (partner_id, entry_id);

-- Sums of lines by month of posting, so that a page need not add up the history. Derived: re-performing adds up the lines again.

CREATE TABLE journal_months (
  month TEXT NOT NULL,
  partner_id BIGINT NOT NULL,
  currency TEXT NOT NULL,
  account INTEGER NOT NULL,
  side TEXT NOT NULL,
  reason TEXT NOT NULL,
  recognition TEXT NOT NULL,
  lines BIGINT NOT NULL,
  entries BIGINT NOT NULL,
  amount_micros BIGINT NOT NULL,
  PRIMARY KEY (month, partner_id, currency, account, side, reason, recognition)
) WITHOUT ROWID;
CREATE INDEX journal_months_partner ON journal_months (partner_id, month);

-- A batch of entries that went to the general ledger, as it was written: it can be had again byte for byte.

CREATE TABLE export_batches (
  batch INTEGER NOT NULL PRIMARY KEY CHECK (batch > 0),
  through_day INTEGER NOT NULL,
  made_by_id BIGINT NOT NULL,
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  layout_version INTEGER,
  entries BIGINT NOT NULL CHECK (entries > 0),
  lines BIGINT NOT NULL,
  content_sha256 TEXT NOT NULL,
  content TEXT NOT NULL
);

-- Which entry is in which batch: in one at most.

CREATE TABLE export_entries (
  partner_id BIGINT NOT NULL,
  entry_id BIGINT NOT NULL,
  batch INTEGER NOT NULL REFERENCES export_batches (batch),
  PRIMARY KEY (partner_id, entry_id)
) WITHOUT ROWID;
CREATE INDEX export_entries_batch ON export_entries (batch);

CREATE TABLE export_months (
  batch INTEGER NOT NULL REFERENCES export_batches (batch),
  month TEXT NOT NULL,
  currency TEXT NOT NULL,
  account INTEGER NOT NULL,
  side TEXT NOT NULL,
  lines BIGINT NOT NULL,
  entries BIGINT NOT NULL,
  amount_micros BIGINT NOT NULL,
  PRIMARY KEY (batch, month, currency, account, side)
);

-- How the journal file is laid out for the importing system; the newest version counts, a batch keeps its own.

CREATE TABLE journal_layouts (
  version INTEGER NOT NULL PRIMARY KEY CHECK (version > 0),
  layout TEXT NOT NULL,
  set_by_id BIGINT NOT NULL,
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL
);

-- Under which number and name an account is shown and exported; the newest counts.

CREATE TABLE chart_accounts (
  account INTEGER NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  number TEXT NOT NULL,
  name TEXT NOT NULL,
  set_by_id BIGINT NOT NULL,
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  PRIMARY KEY (account, seq)
);

-- What is expected to be accrued net for a partner in a month; the newest counts.

CREATE TABLE budgets (
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  month TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  amount_micros BIGINT NOT NULL,
  currency TEXT NOT NULL,
  set_by_id BIGINT NOT NULL,
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  PRIMARY KEY (partner_id, month, seq)
);

-- Entries are read by day of posting and id, of all partners and of one, newest first.
DROP INDEX journal_entries_posting;
CREATE INDEX journal_entries_posting ON journal_entries (posting_day, id);
CREATE INDEX journal_entries_own ON journal_entries (partner_id, posting_day, id);
CREATE INDEX accruals_disputed ON accruals (obligation_day) WHERE state = 'DISPUTED';

-- What is written down about the books stays.
CREATE TRIGGER period_closes_stay BEFORE UPDATE ON period_closes
BEGIN SELECT RAISE(ABORT, 'period_closes is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER period_closes_keep BEFORE DELETE ON period_closes
BEGIN SELECT RAISE(ABORT, 'period_closes is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER period_balances_stay BEFORE UPDATE ON period_balances
BEGIN SELECT RAISE(ABORT, 'period_balances is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER period_balances_keep BEFORE DELETE ON period_balances
BEGIN SELECT RAISE(ABORT, 'period_balances is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER close_checks_stay BEFORE UPDATE ON close_checks
BEGIN SELECT RAISE(ABORT, 'close_checks is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER close_checks_keep BEFORE DELETE ON close_checks
BEGIN SELECT RAISE(ABORT, 'close_checks is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER close_overrides_stay BEFORE UPDATE ON close_overrides
BEGIN SELECT RAISE(ABORT, 'close_overrides is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER close_overrides_keep BEFORE DELETE ON close_overrides
BEGIN SELECT RAISE(ABORT, 'close_overrides is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER close_override_decisions_stay BEFORE UPDATE ON close_override_decisions
BEGIN SELECT RAISE(ABORT, 'close_override_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER close_override_decisions_keep BEFORE DELETE ON close_override_decisions
BEGIN SELECT RAISE(ABORT, 'close_override_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_seals_stay BEFORE UPDATE ON journal_seals
BEGIN SELECT RAISE(ABORT, 'journal_seals is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_seals_keep BEFORE DELETE ON journal_seals
BEGIN SELECT RAISE(ABORT, 'journal_seals is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER export_batches_stay BEFORE UPDATE ON export_batches
BEGIN SELECT RAISE(ABORT, 'export_batches is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER export_batches_keep BEFORE DELETE ON export_batches
BEGIN SELECT RAISE(ABORT, 'export_batches is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER export_entries_stay BEFORE UPDATE ON export_entries
BEGIN SELECT RAISE(ABORT, 'export_entries is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER export_entries_keep BEFORE DELETE ON export_entries
BEGIN SELECT RAISE(ABORT, 'export_entries is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER export_months_stay BEFORE UPDATE ON export_months
BEGIN SELECT RAISE(ABORT, 'export_months is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER export_months_keep BEFORE DELETE ON export_months
BEGIN SELECT RAISE(ABORT, 'export_months is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_layouts_stay BEFORE UPDATE ON journal_layouts
BEGIN SELECT RAISE(ABORT, 'journal_layouts is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_layouts_keep BEFORE DELETE ON journal_layouts
BEGIN SELECT RAISE(ABORT, 'journal_layouts is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER chart_accounts_stay BEFORE UPDATE ON chart_accounts
BEGIN SELECT RAISE(ABORT, 'chart_accounts is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER chart_accounts_keep BEFORE DELETE ON chart_accounts
BEGIN SELECT RAISE(ABORT, 'chart_accounts is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER budgets_stay BEFORE UPDATE ON budgets
BEGIN SELECT RAISE(ABORT, 'budgets is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER budgets_keep BEFORE DELETE ON budgets
BEGIN SELECT RAISE(ABORT, 'budgets is a history: rows are added, never changed or removed'); END;

-- REPLACE removes a row without a DELETE.
CREATE TRIGGER period_closes_once BEFORE INSERT ON period_closes
WHEN EXISTS (SELECT 1 FROM period_closes WHERE month = NEW.month)
BEGIN SELECT RAISE(ABORT, 'period_closes is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER period_balances_once BEFORE INSERT ON period_balances
WHEN EXISTS (SELECT 1 FROM period_balances WHERE month = NEW.month AND partner_id = NEW.partner_id AND currency = NEW.currency AND account = NEW.account)
BEGIN SELECT RAISE(ABORT, 'period_balances is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER close_checks_once BEFORE INSERT ON close_checks
WHEN EXISTS (SELECT 1 FROM close_checks WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'close_checks is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER close_overrides_once BEFORE INSERT ON close_overrides
WHEN EXISTS (SELECT 1 FROM close_overrides WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'close_overrides is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER close_override_decisions_once BEFORE INSERT ON close_override_decisions
WHEN EXISTS (SELECT 1 FROM close_override_decisions WHERE override_id = NEW.override_id)
BEGIN SELECT RAISE(ABORT, 'close_override_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_seals_once BEFORE INSERT ON journal_seals
WHEN EXISTS (SELECT 1 FROM journal_seals WHERE partner_id = NEW.partner_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'journal_seals is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER export_batches_once BEFORE INSERT ON export_batches
WHEN EXISTS (SELECT 1 FROM export_batches WHERE batch = NEW.batch)
BEGIN SELECT RAISE(ABORT, 'export_batches is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER export_entries_once BEFORE INSERT ON export_entries
WHEN EXISTS (SELECT 1 FROM export_entries WHERE partner_id = NEW.partner_id AND entry_id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'export_entries is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER export_months_once BEFORE INSERT ON export_months
WHEN EXISTS (SELECT 1 FROM export_months WHERE batch = NEW.batch AND month = NEW.month AND currency = NEW.currency AND account = NEW.account AND side = NEW.side)
BEGIN SELECT RAISE(ABORT, 'export_months is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_layouts_once BEFORE INSERT ON journal_layouts
WHEN EXISTS (SELECT 1 FROM journal_layouts WHERE version = NEW.version)
BEGIN SELECT RAISE(ABORT, 'journal_layouts is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER chart_accounts_once BEFORE INSERT ON chart_accounts
WHEN EXISTS (SELECT 1 FROM chart_accounts WHERE account = NEW.account AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'chart_accounts is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER budgets_once BEFORE INSERT ON budgets
WHEN EXISTS (SELECT 1 FROM budgets WHERE partner_id = NEW.partner_id AND month = NEW.month AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'budgets is a history: rows are added, never changed or removed'); END;

-- A closed month takes no entry, whoever writes it.
CREATE TRIGGER journal_entries_open BEFORE INSERT ON journal_entries
WHEN EXISTS (SELECT 1 FROM period_closes WHERE last_day >= NEW.posting_day)
BEGIN SELECT RAISE(ABORT, 'the accounting period is closed; post in the first open month'); END;

-- What is posted already, summed.
INSERT INTO journal_months (month, partner_id, currency, account, side, reason, recognition, lines, entries, amount_micros)
SELECT strftime('%Y-%m', e.posting_day * 86400, 'unixepoch'), l.partner_id, l.currency, l.account, l.side, e.reason, e.recognition, COUNT(*),
       CAST(SUM(CASE WHEN l.line_no = 1 THEN 1 ELSE 0 END) AS BIGINT), CAST(SUM(l.amount_micros) AS BIGINT)
  FROM journal_entries e JOIN journal_lines l ON l.partner_id = e.partner_id AND l.entry_id = e.id
 GROUP BY 1, 2, 3, 4, 5, 6, 7;
