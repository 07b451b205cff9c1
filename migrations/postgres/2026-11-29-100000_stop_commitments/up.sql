-- What feeds stated about the commitments of a stop, once somebody asked for a change: only added to. The shipment itself
-- carries the baseline, which is ruled from these rows. A shipment whose commitments never changed has none.

CREATE TABLE stop_commitments (
  partner_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  source_id INTEGER NOT NULL,
  reference TEXT NOT NULL,
  stop TEXT NOT NULL CHECK (stop = 'PICKUP' OR stop = 'DELIVERY'),
  requested_by TEXT CHECK (requested_by = 'SHIPPER' OR requested_by = 'CONSIGNEE' OR requested_by = 'CARRIER' OR requested_by = 'SYSTEM'),
  set_at TIMESTAMPTZ,
  window_start TIMESTAMPTZ,
  window_end TIMESTAMPTZ,
  due_day DATE,
  reason TEXT,
  import_id BIGINT NOT NULL,
  import_row BIGINT NOT NULL,
  PRIMARY KEY (partner_id, shipment_id, id),
  CHECK ((requested_by IS NULL) = (set_at IS NULL))
);
