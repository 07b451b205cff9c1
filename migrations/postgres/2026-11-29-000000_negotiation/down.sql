DROP TABLE negotiation_tables;
DROP TABLE negotiation_moves;
DROP FUNCTION negotiation_moves_refuse();
