-- What each shipment should cost by the contract version that prices it: derived from the facts, the version and the
-- prices known at `known_at`, and stored in the order of the facts. A row changes only when what it says does.

CREATE TABLE expected_charges (
  obligation_day DATE NOT NULL,
  partner_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  contract_version_id BIGINT NOT NULL,
  rating_day DATE NOT NULL,
  pickup_day DATE,
  status TEXT NOT NULL CHECK (status = 'RATED' OR status = 'UNRATED' OR status = 'NOT_APPLICABLE'),
  reason TEXT,
  currency TEXT NOT NULL,
  base_micros BIGINT,
  fuel_micros BIGINT,
  accessorial_micros BIGINT,
  tax_micros BIGINT,
  total_micros BIGINT,
  fuel_published_on DATE,
  known_at TIMESTAMPTZ NOT NULL,
  lines TEXT NOT NULL,
  PRIMARY KEY (obligation_day, partner_id, shipment_id)
);
CREATE INDEX expected_charges_pickup ON expected_charges (partner_id, contract_version_id, pickup_day);

-- The versions by which the expected charges were made: what differs from what is in force now is what is stale.

CREATE TABLE expected_versions (
  partner_id BIGINT NOT NULL,
  contract_version_id BIGINT NOT NULL,
  valid_from DATE NOT NULL,
  valid_to DATE,
  rating_date TEXT NOT NULL,
  PRIMARY KEY (partner_id, contract_version_id)
);
