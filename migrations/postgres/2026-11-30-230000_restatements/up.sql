-- When a published scorecard became final, and whether its partner accepted it; from then on facts that come later move no
-- figure of it by themselves. Only added to.
CREATE TABLE scorecard_finals (
  partner_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  scorecard_id BIGINT NOT NULL,
  snapshot_hash TEXT NOT NULL,
  acceptance TEXT NOT NULL CHECK (acceptance IN ('DEEMED', 'ANSWERED', 'OPEN')),
  open_challenges INTEGER NOT NULL,
  final_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, period)
);

-- Publications that a person made after a scorecard was final, with the reason. Accruals read them in order of id. Only added to.
CREATE TABLE scorecard_restatements (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  scorecard_id BIGINT NOT NULL,
  restates BIGINT NOT NULL,
  reason TEXT NOT NULL,
  figures_moved INTEGER NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL
);
CREATE INDEX scorecard_restatements_card ON scorecard_restatements (partner_id, period);

-- Final scorecards that facts which came later would move; made anew by each scoring.
CREATE TABLE scorecard_drifts (
  partner_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  snapshot_hash TEXT NOT NULL,
  seen_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, period)
);

-- What was published on or after its final day was final at once.
INSERT INTO scorecard_finals
SELECT partner_id, period, id, snapshot_hash, 'DEEMED', 0, created_at
FROM scorecards
WHERE latest AND state = 'FINAL';

CREATE TRIGGER scorecard_finals_stay BEFORE UPDATE ON scorecard_finals
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER scorecard_finals_keep BEFORE DELETE ON scorecard_finals
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER scorecard_finals_whole BEFORE TRUNCATE ON scorecard_finals
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER scorecard_restatements_stay BEFORE UPDATE ON scorecard_restatements
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER scorecard_restatements_keep BEFORE DELETE ON scorecard_restatements
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER scorecard_restatements_whole BEFORE TRUNCATE ON scorecard_restatements
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
