DELETE FROM accessorial_events WHERE withdrawn;
ALTER TABLE accessorial_events DROP COLUMN withdrawn;
