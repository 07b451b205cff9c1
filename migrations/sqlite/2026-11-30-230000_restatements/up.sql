-- When a published scorecard became final, and whether its partner accepted it; from then on facts that come later move no
-- figure of it by themselves. Only added to.
CREATE TABLE scorecard_finals (
  partner_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  scorecard_id BIGINT NOT NULL,
  snapshot_hash TEXT NOT NULL,
  acceptance TEXT NOT NULL CHECK (acceptance IN ('DEEMED', 'ANSWERED', 'OPEN')),
  open_challenges INTEGER NOT NULL,
  final_at INTEGER NOT NULL,
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
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL
);
CREATE INDEX scorecard_restatements_card ON scorecard_restatements (partner_id, period);

-- Final scorecards that facts which came later would move; made anew by each scoring.
CREATE TABLE scorecard_drifts (
  partner_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  snapshot_hash TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (partner_id, period)
);

-- What was published on or after its final day was final at once.
INSERT INTO scorecard_finals
SELECT partner_id, period, id, snapshot_hash, 'DEEMED', 0, created_at
FROM scorecards
WHERE latest AND state = 'FINAL';

CREATE TRIGGER scorecard_finals_stay BEFORE UPDATE ON scorecard_finals
BEGIN SELECT RAISE(ABORT, 'scorecard_finals is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER scorecard_finals_keep BEFORE DELETE ON scorecard_finals
BEGIN SELECT RAISE(ABORT, 'scorecard_finals is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER scorecard_finals_once BEFORE INSERT ON scorecard_finals
WHEN EXISTS (SELECT 1 FROM scorecard_finals WHERE partner_id = NEW.partner_id AND period = NEW.period)
BEGIN SELECT RAISE(ABORT, 'scorecard_finals is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER scorecard_restatements_stay BEFORE UPDATE ON scorecard_restatements
BEGIN SELECT RAISE(ABORT, 'scorecard_restatements is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER scorecard_restatements_keep BEFORE DELETE ON scorecard_restatements
BEGIN SELECT RAISE(ABORT, 'scorecard_restatements is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER scorecard_restatements_once BEFORE INSERT ON scorecard_restatements
WHEN EXISTS (SELECT 1 FROM scorecard_restatements WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'scorecard_restatements is a history: rows are added, never changed or removed'); END;
