DROP TABLE standing_override_decisions;
DROP TABLE standing_overrides;
