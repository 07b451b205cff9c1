-- What happened to a whole area, with its scope as JSON: every unit in it is taken out, successes included, once a second
-- person has approved it and until it is withdrawn. Both only added to.
CREATE TABLE declared_events (
  id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  first_day DATE NOT NULL,
  last_day DATE NOT NULL,
  scope TEXT NOT NULL,
  statement TEXT NOT NULL,
  requested_at TIMESTAMPTZ NOT NULL,
  requested_by TEXT NOT NULL,
  requested_by_id BIGINT NOT NULL,
  CHECK (first_day <= last_day)
);

CREATE TABLE declared_event_decisions (
  declared_event_id BIGINT NOT NULL REFERENCES declared_events (id),
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('APPROVED', 'DENIED', 'WITHDRAWN')),
  words TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (declared_event_id, seq)
);

CREATE TRIGGER declared_events_stay BEFORE UPDATE ON declared_events
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER declared_events_keep BEFORE DELETE ON declared_events
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER declared_events_whole BEFORE TRUNCATE ON declared_events
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER declared_event_decisions_stay BEFORE UPDATE ON declared_event_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER declared_event_decisions_keep BEFORE DELETE ON declared_event_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER declared_event_decisions_whole BEFORE TRUNCATE ON declared_event_decisions
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
