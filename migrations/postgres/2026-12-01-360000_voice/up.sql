-- What lies beside shipments and tenders: claims, cases and safety records, one row a fact by the feed's own number. A fact
-- is judged whole and never asked for by one of its parts, so it is kept as one text.

CREATE TABLE beside_facts (
  kind TEXT NOT NULL CHECK (kind IN ('CLAIMS', 'CASES', 'SAFETY')),
  day DATE NOT NULL,
  partner_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  source_id INTEGER NOT NULL,
  reference TEXT NOT NULL,
  fact_hash BIGINT NOT NULL,
  version INTEGER NOT NULL,
  import_id BIGINT NOT NULL,
  import_row BIGINT NOT NULL,
  lane_id BIGINT,
  service TEXT NOT NULL,
  mode TEXT NOT NULL,
  shipment TEXT NOT NULL,
  settles_at TIMESTAMPTZ,
  fact TEXT NOT NULL,
  PRIMARY KEY (kind, day, partner_id, id)
);
CREATE UNIQUE INDEX beside_facts_key ON beside_facts (partner_id, kind, source_id, reference);
CREATE INDEX beside_facts_settles ON beside_facts (settles_at) WHERE settles_at IS NOT NULL;

CREATE TABLE beside_fact_versions (
  partner_id BIGINT NOT NULL,
  fact_id BIGINT NOT NULL,
  version INTEGER NOT NULL,
  fact TEXT NOT NULL,
  import_id BIGINT NOT NULL,
  replaced_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, fact_id, version)
);

-- What the market pays for a lane in a week, as a licensed series says. No partner's data, and no partner's to see.

CREATE TABLE benchmarks (
  lane_id BIGINT NOT NULL REFERENCES lanes (id),
  week DATE NOT NULL,
  equipment TEXT NOT NULL,
  amount_micros BIGINT NOT NULL CHECK (amount_micros > 0),
  currency TEXT NOT NULL,
  series TEXT NOT NULL,
  licence TEXT NOT NULL,
  recorded_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (lane_id, week, equipment)
);
CREATE INDEX benchmarks_week ON benchmarks (week);

-- What a feed says of messages and of the payment of a shipment.

ALTER TABLE shipment_quality ADD COLUMN statuses BIGINT;
ALTER TABLE shipment_quality ADD COLUMN statuses_refused BIGINT;
ALTER TABLE shipment_quality ADD COLUMN statuses_corrected BIGINT;
ALTER TABLE shipment_quality ADD COLUMN invoiced_day DATE;
ALTER TABLE shipment_quality ADD COLUMN paid_day DATE;

-- Their imports are recorded like all others, and their sums lie in the same cells.

ALTER TABLE imports RENAME TO imports_before;
CREATE TABLE imports (
  id BIGINT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('PARTNERS', 'LANES', 'SHIPMENTS', 'EVENTS', 'TENDERS', 'CAPACITY', 'CHARGES', 'ACCESSORIALS', 'RATES', 'ACCESSORIAL_RATES', 'FUEL_TABLE', 'FUEL', 'FX', 'CLAIMS', 'CASES', 'BENCHMARKS', 'SAFETY')),
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
INSERT INTO imports (id, kind, file_name, mapping, state, started_at, finished_at, rows_read, rows_new, rows_changed, rows_same, rows_rejected, imported_by)
SELECT id, kind, file_name, mapping, state, started_at, finished_at, rows_read, rows_new, rows_changed, rows_same, rows_rejected, imported_by
FROM imports_before;
DROP TABLE imports_before;

ALTER TABLE stale_cells RENAME TO stale_cells_before;
CREATE TABLE stale_cells (
  partner_id BIGINT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS', 'CLAIMS', 'CASES', 'SAFETY', 'WEEKS', 'ANSWERS')),
  source_day DATE NOT NULL,
  PRIMARY KEY (partner_id, source, source_day)
);
INSERT INTO stale_cells (partner_id, source, source_day)
SELECT partner_id, source, source_day FROM stale_cells_before;
DROP TABLE stale_cells_before;

ALTER TABLE stale_lane_months RENAME TO stale_lane_months_before;
CREATE TABLE stale_lane_months (
  partner_id BIGINT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS', 'CLAIMS', 'CASES', 'SAFETY', 'WEEKS', 'ANSWERS')),
  source_month DATE NOT NULL,
  PRIMARY KEY (partner_id, source, source_month)
);
INSERT INTO stale_lane_months (partner_id, source, source_month)
SELECT partner_id, source, source_month FROM stale_lane_months_before;
DROP TABLE stale_lane_months_before;

ALTER TABLE measure_cells RENAME TO measure_cells_before;
CREATE TABLE measure_cells (
  partner_id BIGINT NOT NULL,
  day DATE NOT NULL,
  service TEXT NOT NULL,
  mode TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS', 'CLAIMS', 'CASES', 'SAFETY', 'WEEKS', 'ANSWERS')),
  source_day DATE NOT NULL,
  measures TEXT NOT NULL,
  PRIMARY KEY (partner_id, day, service, mode, source, source_day)
);
INSERT INTO measure_cells (partner_id, day, service, mode, source, source_day, measures)
SELECT partner_id, day, service, mode, source, source_day, measures FROM measure_cells_before;
DROP TABLE measure_cells_before;
CREATE INDEX measure_cells_source ON measure_cells (source, source_day, partner_id);

ALTER TABLE lane_cells RENAME TO lane_cells_before;
CREATE TABLE lane_cells (
  partner_id BIGINT NOT NULL,
  month DATE NOT NULL,
  lane_id BIGINT NOT NULL,
  service TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS', 'CLAIMS', 'CASES', 'SAFETY', 'WEEKS', 'ANSWERS')),
  source_month DATE NOT NULL,
  measures TEXT NOT NULL,
  PRIMARY KEY (partner_id, month, lane_id, service, source, source_month)
);
INSERT INTO lane_cells (partner_id, month, lane_id, service, source, source_month, measures)
SELECT partner_id, month, lane_id, service, source, source_month, measures FROM lane_cells_before;
DROP TABLE lane_cells_before;
CREATE INDEX lane_cells_source ON lane_cells (source, source_month, partner_id);

-- More is summed of every shipment and tender than before: each day that was summed is summed again by the next refresh.

INSERT INTO stale_cells (partner_id, source, source_day)
SELECT DISTINCT partner_id, source, source_day FROM measure_cells WHERE true
ON CONFLICT DO NOTHING;
