DROP TABLE contract_terms;
DROP FUNCTION contract_terms_refuse;
