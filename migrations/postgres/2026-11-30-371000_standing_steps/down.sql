ALTER TABLE standing_override_decisions RENAME TO standing_override_decisions_after;
CREATE TABLE standing_override_decisions (
  override_id BIGINT NOT NULL REFERENCES standing_overrides (id),
  seq INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('APPROVED', 'DENIED', 'WITHDRAWN')),
  words TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
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
  at TIMESTAMPTZ NOT NULL,
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
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER standing_override_decisions_keep BEFORE DELETE ON standing_override_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER standing_override_decisions_whole BEFORE TRUNCATE ON standing_override_decisions
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER corrective_action_steps_stay BEFORE UPDATE ON corrective_action_steps
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER corrective_action_steps_keep BEFORE DELETE ON corrective_action_steps
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER corrective_action_steps_whole BEFORE TRUNCATE ON corrective_action_steps
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
