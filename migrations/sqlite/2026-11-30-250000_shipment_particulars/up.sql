-- What a price may depend on of a shipment beyond the wide row: one row where its feed says anything of it, none where not.

CREATE TABLE shipment_particulars (
  obligation_day INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  ordered_on INTEGER,
  invoiced_on INTEGER,
  freight_class TEXT,
  length_micros BIGINT,
  width_micros BIGINT,
  height_micros BIGINT,
  length_unit TEXT,
  volume_micros BIGINT,
  pallets_micros BIGINT,
  loading_metres_micros BIGINT,
  value_micros BIGINT,
  flags TEXT,
  PRIMARY KEY (obligation_day, partner_id, shipment_id)
) WITHOUT ROWID;
