-- Standings set by hand for a while, and what a second person decided about each; both only added to. The measured
-- standing in the scorecards stays as it is.
CREATE TABLE standing_overrides (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  tier TEXT NOT NULL,
  first_day DATE NOT NULL,
  last_day DATE NOT NULL,
  reason TEXT NOT NULL,
  requested_at TIMESTAMPTZ NOT NULL,
  requested_by TEXT NOT NULL,
  requested_by_id BIGINT NOT NULL
);
CREATE INDEX standing_overrides_partner ON standing_overrides (partner_id);

CREATE TABLE standing_override_decisions (
  override_id BIGINT NOT NULL REFERENCES standing_overrides (id),
  seq INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('APPROVED', 'DENIED', 'WITHDRAWN')),
  words TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (override_id, seq)
);

CREATE TRIGGER standing_overrides_stay BEFORE UPDATE ON standing_overrides
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER standing_overrides_keep BEFORE DELETE ON standing_overrides
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER standing_overrides_whole BEFORE TRUNCATE ON standing_overrides
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER standing_override_decisions_stay BEFORE UPDATE ON standing_override_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER standing_override_decisions_keep BEFORE DELETE ON standing_override_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER standing_override_decisions_whole BEFORE TRUNCATE ON standing_override_decisions
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
