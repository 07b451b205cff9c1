-- A backtest that waits or runs can be cancelled.

DROP INDEX backtests_contract;
DROP INDEX backtests_state;
ALTER TABLE backtests RENAME TO backtests_before;
CREATE TABLE backtests (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_id BIGINT NOT NULL,
  partner_id BIGINT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_by_id BIGINT NOT NULL,
  asked_at INTEGER NOT NULL,
  ask TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')),
  attempt INTEGER NOT NULL,
  done_days BIGINT NOT NULL,
  total_days BIGINT NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  result TEXT NOT NULL,
  error TEXT NOT NULL
);
INSERT INTO backtests SELECT * FROM backtests_before;
DROP TABLE backtests_before;
CREATE INDEX backtests_contract ON backtests (contract_id, id);
CREATE INDEX backtests_state ON backtests (state, id);
