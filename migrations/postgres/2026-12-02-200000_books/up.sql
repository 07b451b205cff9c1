-- The books: which months are closed and how, the chain of entries, sums by month, what was exported, and under which
-- numbers and names accounts are shown.

-- Closed months. They are closed one after the other and never opened again; late changes post in the first open month.

CREATE TABLE period_closes (
  month TEXT NOT NULL PRIMARY KEY,
  last_day DATE NOT NULL,
  closed_by_id BIGINT NOT NULL,
  closed_by TEXT NOT NULL,
  closed_at TIMESTAMPTZ NOT NULL,
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
);

-- Each time the ledger was re-performed for a close: at which state of the ledger, and what was wrong.

CREATE TABLE close_checks (
  id BIGINT NOT NULL PRIMARY KEY,
  month TEXT NOT NULL,
  checked_by TEXT NOT NULL,
  checked_at TIMESTAMPTZ NOT NULL,
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
  asked_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX close_overrides_month ON close_overrides (month, id);

CREATE TABLE close_override_decisions (
  override_id BIGINT NOT NULL PRIMARY KEY REFERENCES close_overrides (id),
  is_approved BOOLEAN NOT NULL,
  note TEXT NOT NULL,
  decided_by_id BIGINT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_at TIMESTAMPTZ NOT NULL
);

-- The chain: the n-th entry of a partner under a hash over its content and the hash before it.

CREATE TABLE journal_seals (
  partner_id BIGINT NOT NULL,
  seq BIGINT NOT NULL CHECK (seq > 0),
  entry_id BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (partner_id, seq)
);
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
);
CREATE INDEX journal_months_partner ON journal_months (partner_id, month);

-- A batch of entries that went to the general ledger, as it was written: it can be had again byte for byte.

CREATE TABLE export_batches (
  batch INTEGER NOT NULL PRIMARY KEY CHECK (batch > 0),
  through_day DATE NOT NULL,
  made_by_id BIGINT NOT NULL,
  made_by TEXT NOT NULL,
  made_at TIMESTAMPTZ NOT NULL,
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
);
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
  set_at TIMESTAMPTZ NOT NULL
);

-- Under which number and name an account is shown and exported; the newest counts.

CREATE TABLE chart_accounts (
  account INTEGER NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  number TEXT NOT NULL,
  name TEXT NOT NULL,
  set_by_id BIGINT NOT NULL,
  set_by TEXT NOT NULL,
  set_at TIMESTAMPTZ NOT NULL,
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
  set_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, month, seq)
);

-- Entries are read by day of posting and id, of all partners and of one, newest first.
DROP INDEX journal_entries_posting;
CREATE INDEX journal_entries_posting ON journal_entries (posting_day, id);
CREATE INDEX journal_entries_own ON journal_entries (partner_id, posting_day, id);
CREATE INDEX accruals_disputed ON accruals (obligation_day) WHERE state = 'DISPUTED';

-- What is written down about the books stays.
CREATE TRIGGER period_closes_stay BEFORE UPDATE ON period_closes
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER period_closes_keep BEFORE DELETE ON period_closes
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER period_balances_stay BEFORE UPDATE ON period_balances
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER period_balances_keep BEFORE DELETE ON period_balances
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER close_checks_stay BEFORE UPDATE ON close_checks
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER close_checks_keep BEFORE DELETE ON close_checks
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER close_overrides_stay BEFORE UPDATE ON close_overrides
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER close_overrides_keep BEFORE DELETE ON close_overrides
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER close_override_decisions_stay BEFORE UPDATE ON close_override_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER close_override_decisions_keep BEFORE DELETE ON close_override_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER journal_seals_stay BEFORE UPDATE ON journal_seals
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER journal_seals_keep BEFORE DELETE ON journal_seals
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER export_batches_stay BEFORE UPDATE ON export_batches
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER export_batches_keep BEFORE DELETE ON export_batches
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER export_entries_stay BEFORE UPDATE ON export_entries
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER export_entries_keep BEFORE DELETE ON export_entries
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER export_months_stay BEFORE UPDATE ON export_months
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER export_months_keep BEFORE DELETE ON export_months
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER journal_layouts_stay BEFORE UPDATE ON journal_layouts
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER journal_layouts_keep BEFORE DELETE ON journal_layouts
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER chart_accounts_stay BEFORE UPDATE ON chart_accounts
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER chart_accounts_keep BEFORE DELETE ON chart_accounts
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER budgets_stay BEFORE UPDATE ON budgets
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER budgets_keep BEFORE DELETE ON budgets
FOR EACH ROW EXECUTE FUNCTION history_refuse();

-- TRUNCATE removes rows without a DELETE.
CREATE TRIGGER period_closes_whole BEFORE TRUNCATE ON period_closes
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER period_balances_whole BEFORE TRUNCATE ON period_balances
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER close_checks_whole BEFORE TRUNCATE ON close_checks
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER close_overrides_whole BEFORE TRUNCATE ON close_overrides
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER close_override_decisions_whole BEFORE TRUNCATE ON close_override_decisions
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER journal_seals_whole BEFORE TRUNCATE ON journal_seals
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER export_batches_whole BEFORE TRUNCATE ON export_batches
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER export_entries_whole BEFORE TRUNCATE ON export_entries
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER export_months_whole BEFORE TRUNCATE ON export_months
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER journal_layouts_whole BEFORE TRUNCATE ON journal_layouts
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER chart_accounts_whole BEFORE TRUNCATE ON chart_accounts
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER budgets_whole BEFORE TRUNCATE ON budgets
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();

-- A closed month takes no entry, whoever writes it. Whoever posts and whoever closes wait for each other.
CREATE FUNCTION journal_open_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(714026, hashtext('books'));
  IF EXISTS (SELECT 1 FROM period_closes WHERE last_day >= NEW.posting_day) THEN
    RAISE EXCEPTION 'the accounting period is closed; post in the first open month';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER journal_entries_open BEFORE INSERT ON journal_entries
FOR EACH ROW EXECUTE FUNCTION journal_open_only();

-- What is posted already, summed.
INSERT INTO journal_months (month, partner_id, currency, account, side, reason, recognition, lines, entries, amount_micros)
SELECT to_char(e.posting_day, 'YYYY-MM'), l.partner_id, l.currency, l.account, l.side, e.reason, e.recognition, COUNT(*),
       CAST(SUM(CASE WHEN l.line_no = 1 THEN 1 ELSE 0 END) AS BIGINT), CAST(SUM(l.amount_micros) AS BIGINT)
  FROM journal_entries e JOIN journal_lines l ON l.partner_id = e.partner_id AND l.entry_id = e.id
 GROUP BY 1, 2, 3, 4, 5, 6, 7;
