-- What happened to a whole area, with its scope as JSON: every unit in it is taken out, successes included, once a second
-- person has approved it and until it is withdrawn. Both only added to.
CREATE TABLE declared_events (
  id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  first_day INTEGER NOT NULL,
  last_day INTEGER NOT NULL,
  scope TEXT NOT NULL,
  statement TEXT NOT NULL,
  requested_at INTEGER NOT NULL,
  requested_by TEXT NOT NULL,
  requested_by_id BIGINT NOT NULL,
  CHECK (first_day <= last_day)
);

CREATE TABLE declared_event_decisions (
  declared_event_id BIGINT NOT NULL REFERENCES declared_events (id),
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('APPROVED', 'DENIED', 'WITHDRAWN')),
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (declared_event_id, seq)
);

CREATE TRIGGER declared_events_stay BEFORE UPDATE ON declared_events
BEGIN SELECT RAISE(ABORT, 'declared_events is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER declared_events_keep BEFORE DELETE ON declared_events
BEGIN SELECT RAISE(ABORT, 'declared_events is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER declared_events_once BEFORE INSERT ON declared_events
WHEN EXISTS (SELECT 1 FROM declared_events WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'declared_events is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER declared_event_decisions_stay BEFORE UPDATE ON declared_event_decisions
BEGIN SELECT RAISE(ABORT, 'declared_event_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER declared_event_decisions_keep BEFORE DELETE ON declared_event_decisions
BEGIN SELECT RAISE(ABORT, 'declared_event_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER declared_event_decisions_once BEFORE INSERT ON declared_event_decisions
WHEN EXISTS (SELECT 1 FROM declared_event_decisions WHERE declared_event_id = NEW.declared_event_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'declared_event_decisions is a history: rows are added, never changed or removed'); END;
