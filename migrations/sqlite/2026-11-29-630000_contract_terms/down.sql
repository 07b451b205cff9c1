DROP TABLE contract_terms;
