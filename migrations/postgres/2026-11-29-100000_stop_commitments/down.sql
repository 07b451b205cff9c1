DROP TABLE stop_commitments;
