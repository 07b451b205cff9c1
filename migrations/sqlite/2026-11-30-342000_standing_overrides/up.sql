-- Standings set by hand for a while, and what a second person decided about each; both only added to. The measured
-- standing in the scorecards stays as it is.
CREATE TABLE standing_overrides (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  tier TEXT NOT NULL,
  first_day INTEGER NOT NULL,
  last_day INTEGER NOT NULL,
  reason TEXT NOT NULL,
  requested_at INTEGER NOT NULL,
  requested_by TEXT NOT NULL,
  requested_by_id BIGINT NOT NULL
);
CREATE INDEX standing_overrides_partner ON standing_overrides (partner_id);

CREATE TABLE standing_override_decisions (
  override_id BIGINT NOT NULL REFERENCES standing_overrides (id),
  seq INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('APPROVED', 'DENIED', 'WITHDRAWN')),
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (override_id, seq)
);

CREATE TRIGGER standing_overrides_stay BEFORE UPDATE ON standing_overrides
BEGIN SELECT RAISE(ABORT, 'standing_overrides is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER standing_overrides_keep BEFORE DELETE ON standing_overrides
BEGIN SELECT RAISE(ABORT, 'standing_overrides is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER standing_overrides_once BEFORE INSERT ON standing_overrides
WHEN EXISTS (SELECT 1 FROM standing_overrides WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'standing_overrides is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER standing_override_decisions_stay BEFORE UPDATE ON standing_override_decisions
BEGIN SELECT RAISE(ABORT, 'standing_override_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER standing_override_decisions_keep BEFORE DELETE ON standing_override_decisions
BEGIN SELECT RAISE(ABORT, 'standing_override_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER standing_override_decisions_once BEFORE INSERT ON standing_override_decisions
WHEN EXISTS (SELECT 1 FROM standing_override_decisions WHERE override_id = NEW.override_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'standing_override_decisions is a history: rows are added, never changed or removed'); END;
