-- Backtests that somebody asked for: what, how far they have come, and the result. Rows are removed when they are old.

CREATE TABLE backtests (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_id BIGINT NOT NULL,
  partner_id BIGINT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_by_id BIGINT NOT NULL,
  asked_at INTEGER NOT NULL,
  ask TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED')),
  attempt INTEGER NOT NULL,
  done_days BIGINT NOT NULL,
  total_days BIGINT NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  result TEXT NOT NULL,
  error TEXT NOT NULL
);
CREATE INDEX backtests_contract ON backtests (contract_id, id);
CREATE INDEX backtests_state ON backtests (state, id);
