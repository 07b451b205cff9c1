DROP INDEX expected_charges_unrated;
