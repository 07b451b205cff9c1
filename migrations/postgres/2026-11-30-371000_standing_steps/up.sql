-- A standing set by hand that is ended early says so, with the first day it no longer holds; a corrective action can be
-- told of a later quarter that is low. What stands beside a row is always about the partner of that row.

CREATE UNIQUE INDEX standing_overrides_whose ON standing_overrides (id, partner_id);
CREATE UNIQUE INDEX corrective_actions_whose ON corrective_actions (id, partner_id);

-- A rule on a column cannot be changed on every engine, so the tables are made again.
ALTER TABLE standing_override_decisions RENAME TO standing_override_decisions_before;
CREATE TABLE standing_override_decisions (
  override_id BIGINT NOT NULL,
  seq INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('APPROVED', 'DENIED', 'WITHDRAWN', 'ENDED')),
  words TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  ends_on DATE,
  PRIMARY KEY (override_id, seq),
  CHECK ((kind = 'ENDED') = (ends_on IS NOT NULL)),
  FOREIGN KEY (override_id, partner_id) REFERENCES standing_overrides (id, partner_id)
);
-- Until now an agreed one was ended by a second decision that denied it or took it back; its day is that of UTC.
INSERT INTO standing_override_decisions (override_id, seq, partner_id, kind, words, at, actor, actor_id, ends_on)
SELECT d.override_id, d.seq, o.partner_id, CASE WHEN d.seq > 1 THEN 'ENDED' ELSE d.kind END, d.words, d.at, d.actor, d.actor_id,
  CASE WHEN d.seq > 1 THEN (d.at AT TIME ZONE 'UTC')::date END
FROM standing_override_decisions_before d JOIN standing_overrides o ON o.id = d.override_id;
DROP TABLE standing_override_decisions_before;

ALTER TABLE corrective_action_steps RENAME TO corrective_action_steps_before;
CREATE TABLE corrective_action_steps (
  action_id BIGINT NOT NULL,
  seq INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('ANSWERED', 'REOPENED', 'CLOSED', 'NOTED')),
  words TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  period TEXT,
  PRIMARY KEY (action_id, seq),
  CHECK ((kind = 'NOTED') = (period IS NOT NULL)),
  FOREIGN KEY (action_id, partner_id) REFERENCES corrective_actions (id, partner_id)
);
INSERT INTO corrective_action_steps (action_id, seq, partner_id, kind, words, at, actor, actor_id)
SELECT s.action_id, s.seq, a.partner_id, s.kind, s.words, s.at, s.actor, s.actor_id
FROM corrective_action_steps_before s JOIN corrective_actions a ON a.id = s.action_id;
DROP TABLE corrective_action_steps_before;

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
