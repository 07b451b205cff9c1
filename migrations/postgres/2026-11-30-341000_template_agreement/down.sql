DROP TRIGGER scorecard_templates_whole ON scorecard_templates;
DROP TRIGGER scorecard_templates_keep ON scorecard_templates;
DROP TRIGGER scorecard_templates_stay ON scorecard_templates;
DROP TABLE template_decisions;
DROP TABLE template_proposals;
