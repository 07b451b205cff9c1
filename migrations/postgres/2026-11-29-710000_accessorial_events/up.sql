-- What happened to a shipment and may be charged beside linehaul and fuel, as feeds report it: one row an event, by the
-- feed's own number. The code is kept as it is written; what it means is asked when it is read, as of charges.

CREATE TABLE accessorial_events (
  partner_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  source_id INTEGER NOT NULL,
  reference TEXT NOT NULL,
  fact_hash BIGINT NOT NULL,
  version INTEGER NOT NULL,
  import_id BIGINT NOT NULL,
  import_row BIGINT NOT NULL,
  code TEXT NOT NULL,
  stop INTEGER NOT NULL CHECK (stop >= 0),
  event_day DATE,
  measure TEXT NOT NULL CHECK (measure = 'ONCE' OR measure = 'QUANTITY' OR measure = 'MINUTES' OR measure = 'STAY' OR measure = 'COST'),
  quantity_micros BIGINT,
  unit TEXT,
  minutes BIGINT,
  cost_micros BIGINT,
  currency TEXT,
  arrived_at TIMESTAMPTZ,
  appointment_start TIMESTAMPTZ,
  appointment_end TIMESTAMPTZ,
  notified_at TIMESTAMPTZ,
  work_started_at TIMESTAMPTZ,
  departed_at TIMESTAMPTZ,
  authorised BOOLEAN NOT NULL,
  notified BOOLEAN NOT NULL,
  proven BOOLEAN NOT NULL,
  PRIMARY KEY (partner_id, shipment_id, id),
  CHECK ((measure = 'QUANTITY') = (quantity_micros IS NOT NULL)),
  CHECK ((measure = 'MINUTES') = (minutes IS NOT NULL)),
  CHECK ((measure = 'COST') = (cost_micros IS NOT NULL)),
  CHECK ((measure = 'COST') = (currency IS NOT NULL)),
  CHECK ((measure = 'STAY') = (arrived_at IS NOT NULL)),
  CHECK ((measure = 'STAY') = (departed_at IS NOT NULL))
);
CREATE UNIQUE INDEX accessorial_events_key ON accessorial_events (partner_id, source_id, reference);
CREATE INDEX accessorial_events_code ON accessorial_events (partner_id, code);

CREATE TABLE accessorial_event_versions (
  partner_id BIGINT NOT NULL,
  event_id BIGINT NOT NULL,
  version INTEGER NOT NULL,
  fact TEXT NOT NULL,
  import_id BIGINT NOT NULL,
  replaced_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, event_id, version)
);

-- Their imports are recorded like all others.

ALTER TABLE imports RENAME TO imports_before;
CREATE TABLE imports (
  id BIGINT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('PARTNERS', 'LANES', 'SHIPMENTS', 'EVENTS', 'TENDERS', 'CAPACITY', 'CHARGES', 'ACCESSORIALS', 'RATES', 'FUEL', 'FX')),
  file_name TEXT NOT NULL,
  mapping TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED')),
  started_at TIMESTAMPTZ NOT NULL,
  finished_at TIMESTAMPTZ,
  rows_read BIGINT NOT NULL DEFAULT 0,
  rows_new BIGINT NOT NULL DEFAULT 0,
  rows_changed BIGINT NOT NULL DEFAULT 0,
  rows_same BIGINT NOT NULL DEFAULT 0,
  rows_rejected BIGINT NOT NULL DEFAULT 0,
  imported_by TEXT NOT NULL DEFAULT 'command line'
);
INSERT INTO imports SELECT * FROM imports_before;
DROP TABLE imports_before;
