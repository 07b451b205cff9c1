DROP TABLE accessorial_event_versions;
DROP TABLE accessorial_events;
