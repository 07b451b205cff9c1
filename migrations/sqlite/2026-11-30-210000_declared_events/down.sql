DROP TABLE declared_event_decisions;
DROP TABLE declared_events;
