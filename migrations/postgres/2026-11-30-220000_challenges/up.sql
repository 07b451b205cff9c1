-- Lines of a scorecard that the partner challenges in its review, and what was decided about each; both only added to.
CREATE TABLE challenges (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  scorecard_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  kpi TEXT NOT NULL,
  shipment_id BIGINT NOT NULL,
  source_id INTEGER NOT NULL,
  reference TEXT NOT NULL,
  outcome TEXT NOT NULL,
  statement TEXT NOT NULL,
  evidence TEXT NOT NULL,
  answer_by DATE NOT NULL,
  raised_at TIMESTAMPTZ NOT NULL,
  raised_by TEXT NOT NULL,
  raised_by_id BIGINT NOT NULL
);
CREATE INDEX challenges_card ON challenges (partner_id, period);

CREATE TABLE challenge_decisions (
  challenge_id BIGINT NOT NULL REFERENCES challenges (id),
  seq INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('EXCUSED', 'CORRECTED', 'DENIED', 'WITHDRAWN')),
  words TEXT NOT NULL,
  exclusion_id BIGINT,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (challenge_id, seq),
  CHECK ((exclusion_id IS NOT NULL) = (kind = 'EXCUSED'))
);

CREATE TRIGGER challenges_stay BEFORE UPDATE ON challenges
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER challenges_keep BEFORE DELETE ON challenges
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER challenges_whole BEFORE TRUNCATE ON challenges
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER challenge_decisions_stay BEFORE UPDATE ON challenge_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER challenge_decisions_keep BEFORE DELETE ON challenge_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER challenge_decisions_whole BEFORE TRUNCATE ON challenge_decisions
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
