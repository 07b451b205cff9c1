DROP INDEX charges_code;
DROP TABLE charge_aliases;
