-- Versions of scorecard templates as they were proposed, and what a second person decided about each; both only added to.
-- An agreed version stands in scorecard_templates under the same id, and stays there as it is.
CREATE TABLE template_proposals (
  id BIGINT NOT NULL PRIMARY KEY,
  code TEXT NOT NULL,
  version TEXT NOT NULL UNIQUE,
  definition TEXT NOT NULL,
  first_period TEXT NOT NULL,
  valid_from INTEGER NOT NULL,
  reason TEXT NOT NULL,
  proposed_at INTEGER NOT NULL,
  proposed_by TEXT NOT NULL,
  proposed_by_id BIGINT NOT NULL
);

CREATE TABLE template_decisions (
  proposal_id BIGINT NOT NULL REFERENCES template_proposals (id),
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('APPROVED', 'DENIED', 'WITHDRAWN')),
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (proposal_id, seq)
);

CREATE TRIGGER template_proposals_stay BEFORE UPDATE ON template_proposals
BEGIN SELECT RAISE(ABORT, 'template_proposals is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER template_proposals_keep BEFORE DELETE ON template_proposals
BEGIN SELECT RAISE(ABORT, 'template_proposals is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER template_proposals_once BEFORE INSERT ON template_proposals
WHEN EXISTS (SELECT 1 FROM template_proposals WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'template_proposals is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER template_decisions_stay BEFORE UPDATE ON template_decisions
BEGIN SELECT RAISE(ABORT, 'template_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER template_decisions_keep BEFORE DELETE ON template_decisions
BEGIN SELECT RAISE(ABORT, 'template_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER template_decisions_once BEFORE INSERT ON template_decisions
WHEN EXISTS (SELECT 1 FROM template_decisions WHERE proposal_id = NEW.proposal_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'template_decisions is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER scorecard_templates_stay BEFORE UPDATE ON scorecard_templates
BEGIN SELECT RAISE(ABORT, 'scorecard_templates is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER scorecard_templates_keep BEFORE DELETE ON scorecard_templates
BEGIN SELECT RAISE(ABORT, 'scorecard_templates is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER scorecard_templates_once BEFORE INSERT ON scorecard_templates
WHEN EXISTS (SELECT 1 FROM scorecard_templates WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'scorecard_templates is a history: rows are added, never changed or removed'); END;
