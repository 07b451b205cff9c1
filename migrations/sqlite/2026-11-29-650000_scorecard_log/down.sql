DROP TABLE scorecard_log;
