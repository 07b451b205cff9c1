-- What was published, line by line: each line carries a hash over itself and the line before, so that a scorecard that is
-- changed, marked otherwise or taken away later is noticed. Previews of running periods are not in it.
CREATE TABLE scorecard_log (
  seq BIGINT NOT NULL PRIMARY KEY,
  scorecard_id BIGINT NOT NULL,
  partner_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  state TEXT NOT NULL,
  snapshot_hash TEXT NOT NULL,
  restates BIGINT,
  -- Empty for what was published before there was a log.
  chain TEXT NOT NULL,
  logged_at TIMESTAMPTZ NOT NULL
);

INSERT INTO scorecard_log
SELECT row_number() OVER (ORDER BY id), id, partner_id, period, state, snapshot_hash, restates, '', created_at
FROM scorecards
WHERE snapshot LIKE '%"to_date":null%';

CREATE TRIGGER scorecard_log_stay BEFORE UPDATE ON scorecard_log
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER scorecard_log_keep BEFORE DELETE ON scorecard_log
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER scorecard_log_whole BEFORE TRUNCATE ON scorecard_log
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
