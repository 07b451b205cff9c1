DROP TABLE corrective_action_steps;
DROP TABLE corrective_actions;
