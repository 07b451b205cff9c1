DROP INDEX scorecards_history;
DROP TABLE scorecard_changes;
