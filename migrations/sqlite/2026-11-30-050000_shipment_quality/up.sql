-- What a feed says of a delivery beyond the wide row: one row where it says anything, none where it does not.

CREATE TABLE shipment_quality (
  obligation_day INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  pieces_delivered BIGINT,
  condition TEXT,
  receipt_expected BOOLEAN NOT NULL,
  pod_received_at INTEGER,
  pod_clean BOOLEAN,
  invoice_right BOOLEAN,
  notice_expected BOOLEAN NOT NULL,
  delay_noticed_at INTEGER,
  transit_standard_days INTEGER,
  co2e_g BIGINT,
  emission_distance_m BIGINT,
  emission_data TEXT,
  PRIMARY KEY (obligation_day, partner_id, shipment_id)
) WITHOUT ROWID;
