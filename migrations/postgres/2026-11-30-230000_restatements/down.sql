DROP TABLE scorecard_drifts;
DROP TABLE scorecard_restatements;
DROP TABLE scorecard_finals;
