DROP TABLE evidence_files;
DROP TABLE exclusion_decisions;
DROP TABLE exclusions;
