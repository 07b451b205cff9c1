DROP TABLE expected_versions;
DROP TABLE expected_charges;
