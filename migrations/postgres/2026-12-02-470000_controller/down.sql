-- Controllers are finance again.
CREATE TEMP TABLE users_kept AS SELECT id, email, name, role, partner_id, password_hash, active, created_at FROM users;
CREATE TEMP TABLE sessions_kept AS SELECT key_hash, state, expires_at, user_id FROM sessions;
DELETE FROM sessions;
ALTER TABLE sessions DROP CONSTRAINT sessions_user_id_fkey;
DROP TABLE users;
CREATE TABLE users (
  id BIGINT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('ADMIN', 'PROCUREMENT', 'CARRIER_MANAGER', 'FINANCE', 'AUDITOR', 'PARTNER')),
  partner_id BIGINT REFERENCES partners (id),
  password_hash TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  CHECK ((role = 'PARTNER') = (partner_id IS NOT NULL))
);
INSERT INTO users (id, email, name, role, partner_id, password_hash, active, created_at)
SELECT id, email, name, CASE role WHEN 'CONTROLLER' THEN 'FINANCE' ELSE role END, partner_id, password_hash, active, created_at FROM users_kept;
ALTER TABLE sessions ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id);
INSERT INTO sessions (key_hash, state, expires_at, user_id)
SELECT key_hash, state, expires_at, user_id FROM sessions_kept;
DROP TABLE sessions_kept;
DROP TABLE users_kept;
