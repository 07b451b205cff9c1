ALTER TABLE standing_override_decisions RENAME TO standing_override_decisions_after;
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
INSERT INTO standing_override_decisions (override_id, seq, partner_id, kind, words, at, actor, actor_id)
SELECT override_id, seq, partner_id, CASE WHEN kind = 'ENDED' THEN 'DENIED' ELSE kind END, words, at, actor, actor_id
FROM standing_override_decisions_after;
DROP TABLE standing_override_decisions_after;
ALTER TABLE corrective_action_steps RENAME TO corrective_action_steps_after;
CREATE TABLE corrective_action_steps (
  action_id BIGINT NOT NULL REFERENCES corrective_actions (id),
  seq INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('ANSWERED', 'REOPENED', 'CLOSED')),
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (action_id, seq)
);
INSERT INTO corrective_action_steps (action_id, seq, partner_id, kind, words, at, actor, actor_id)
SELECT action_id, seq, partner_id, kind, words, at, actor, actor_id
FROM corrective_action_steps_after WHERE kind <> 'NOTED';
DROP TABLE corrective_action_steps_after;
DROP INDEX corrective_actions_whose;
DROP INDEX standing_overrides_whose;
CREATE TRIGGER standing_override_decisions_stay BEFORE UPDATE ON standing_override_decisions
BEGIN SELECT RAISE(ABORT, 'standing_override_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER standing_override_decisions_keep BEFORE DELETE ON standing_override_decisions
BEGIN SELECT RAISE(ABORT, 'standing_override_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER standing_override_decisions_once BEFORE INSERT ON standing_override_decisions
WHEN EXISTS (SELECT 1 FROM standing_override_decisions WHERE override_id = NEW.override_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'standing_override_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER corrective_action_steps_stay BEFORE UPDATE ON corrective_action_steps
BEGIN SELECT RAISE(ABORT, 'corrective_action_steps is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER corrective_action_steps_keep BEFORE DELETE ON corrective_action_steps
BEGIN SELECT RAISE(ABORT, 'corrective_action_steps is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER corrective_action_steps_once BEFORE INSERT ON corrective_action_steps
WHEN EXISTS (SELECT 1 FROM corrective_action_steps WHERE action_id = NEW.action_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'corrective_action_steps is a history: rows are added, never changed or removed'); END;
