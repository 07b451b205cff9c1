-- An event that its feed took back: kept, and charged no more.

ALTER TABLE accessorial_events ADD COLUMN withdrawn BOOLEAN NOT NULL DEFAULT FALSE;
