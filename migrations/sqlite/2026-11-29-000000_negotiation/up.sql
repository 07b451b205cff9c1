-- Proposals between shipper and partner: every text that was sent, whole, and every answer to it.

-- No foreign keys: the history of a discarded draft outlives it. A row with a text is a round.
CREATE TABLE negotiation_moves (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_id BIGINT NOT NULL,
  contract_version_id BIGINT NOT NULL,
  partner_id BIGINT NOT NULL,
  version INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('OFFER', 'COUNTER', 'ACCEPT', 'DECLINE', 'WITHDRAW', 'REOPEN', 'LAPSE')),
  side TEXT NOT NULL CHECK (side IN ('SHIPPER', 'PARTNER', '')),
  round INTEGER NOT NULL,
  message TEXT NOT NULL,
  reply_by INTEGER,
  on_day INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  actor_role TEXT NOT NULL,
  answers_sha256 TEXT NOT NULL,
  terms_sha256 TEXT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (contract_version_id, seq)
);
CREATE INDEX negotiation_moves_partner ON negotiation_moves (partner_id);

-- The rate tables a round names; they stay as long as it does.
CREATE TABLE negotiation_tables (
  partner_id BIGINT NOT NULL,
  contract_version_id BIGINT NOT NULL,
  round INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  table_id BIGINT NOT NULL,
  PRIMARY KEY (contract_version_id, round, ordinal)
);
CREATE INDEX negotiation_tables_table ON negotiation_tables (table_id);

-- Nobody rewrites what was proposed, not even by hand.
CREATE TRIGGER negotiation_moves_stay BEFORE UPDATE ON negotiation_moves
BEGIN SELECT RAISE(ABORT, 'negotiation_moves is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER negotiation_moves_keep BEFORE DELETE ON negotiation_moves
BEGIN SELECT RAISE(ABORT, 'negotiation_moves is a history: rows are added, never changed or removed'); END;
