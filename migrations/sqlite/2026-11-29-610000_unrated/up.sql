-- What the contracts could not price is asked for on every morning's page; it is a small part of all expected charges.
CREATE INDEX expected_charges_unrated ON expected_charges (partner_id, contract_version_id) WHERE status = 'UNRATED';
