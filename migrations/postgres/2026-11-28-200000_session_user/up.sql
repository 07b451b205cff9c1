-- Whose session it is, so that a page finds session and user in one read. Sessions opened before have none and end.
DELETE FROM sessions;
ALTER TABLE sessions ADD COLUMN user_id BIGINT REFERENCES users (id);
