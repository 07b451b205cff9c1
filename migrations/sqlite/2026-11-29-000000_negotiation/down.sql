DROP TABLE negotiation_tables;
DROP TABLE negotiation_moves;
