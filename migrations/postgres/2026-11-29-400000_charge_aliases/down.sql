DROP INDEX charges_code;
DROP TABLE charge_aliases;
DROP FUNCTION charge_aliases_refuse();
