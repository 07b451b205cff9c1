-- Versions of scorecard templates as they were proposed, and what a second person decided about each; both only added to.
-- An agreed version stands in scorecard_templates under the same id, and stays there as it is.
CREATE TABLE template_proposals (
  id BIGINT NOT NULL PRIMARY KEY,
  code TEXT NOT NULL,
  version TEXT NOT NULL UNIQUE,
  definition TEXT NOT NULL,
  first_period TEXT NOT NULL,
  valid_from DATE NOT NULL,
  reason TEXT NOT NULL,
  proposed_at TIMESTAMPTZ NOT NULL,
  proposed_by TEXT NOT NULL,
  proposed_by_id BIGINT NOT NULL
);

CREATE TABLE template_decisions (
  proposal_id BIGINT NOT NULL REFERENCES template_proposals (id),
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('APPROVED', 'DENIED', 'WITHDRAWN')),
  words TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (proposal_id, seq)
);

CREATE TRIGGER template_proposals_stay BEFORE UPDATE ON template_proposals
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER template_proposals_keep BEFORE DELETE ON template_proposals
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER template_proposals_whole BEFORE TRUNCATE ON template_proposals
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER template_decisions_stay BEFORE UPDATE ON template_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER template_decisions_keep BEFORE DELETE ON template_decisions
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER template_decisions_whole BEFORE TRUNCATE ON template_decisions
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER scorecard_templates_stay BEFORE UPDATE ON scorecard_templates
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER scorecard_templates_keep BEFORE DELETE ON scorecard_templates
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER scorecard_templates_whole BEFORE TRUNCATE ON scorecard_templates
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
