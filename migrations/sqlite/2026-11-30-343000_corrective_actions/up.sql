-- Corrective actions asked of a partner, once for each cause, and every answer and closing; both only added to.
CREATE TABLE corrective_actions (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  cause TEXT NOT NULL,
  scorecard_id BIGINT,
  period TEXT NOT NULL,
  kpi TEXT NOT NULL,
  words TEXT NOT NULL,
  owner TEXT NOT NULL,
  due_on INTEGER NOT NULL,
  opened_at INTEGER NOT NULL,
  opened_by TEXT NOT NULL,
  opened_by_id BIGINT NOT NULL,
  UNIQUE (partner_id, cause)
);

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

CREATE TRIGGER corrective_actions_stay BEFORE UPDATE ON corrective_actions
BEGIN SELECT RAISE(ABORT, 'corrective_actions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER corrective_actions_keep BEFORE DELETE ON corrective_actions
BEGIN SELECT RAISE(ABORT, 'corrective_actions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER corrective_actions_once BEFORE INSERT ON corrective_actions
WHEN EXISTS (SELECT 1 FROM corrective_actions WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'corrective_actions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER corrective_action_steps_stay BEFORE UPDATE ON corrective_action_steps
BEGIN SELECT RAISE(ABORT, 'corrective_action_steps is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER corrective_action_steps_keep BEFORE DELETE ON corrective_action_steps
BEGIN SELECT RAISE(ABORT, 'corrective_action_steps is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER corrective_action_steps_once BEFORE INSERT ON corrective_action_steps
WHEN EXISTS (SELECT 1 FROM corrective_action_steps WHERE action_id = NEW.action_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'corrective_action_steps is a history: rows are added, never changed or removed'); END;
