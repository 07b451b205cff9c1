DROP TRIGGER scorecard_templates_once;
DROP TRIGGER scorecard_templates_keep;
DROP TRIGGER scorecard_templates_stay;
DROP TABLE template_decisions;
DROP TABLE template_proposals;
