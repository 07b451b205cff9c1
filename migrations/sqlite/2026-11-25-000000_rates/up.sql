-- What a version says about price. Small things are rows of JSON; rate tables are cells of their own, which versions
-- share until one of them changes: a table that a version out of draft uses never changes again.

ALTER TABLE contract_versions ADD COLUMN rating TEXT NOT NULL DEFAULT '{}';

CREATE TABLE rate_items (
  partner_id BIGINT NOT NULL,
  contract_version_id BIGINT NOT NULL REFERENCES contract_versions (id),
  kind TEXT NOT NULL CHECK (kind = 'ZONE' OR kind = 'SERVICE_LEVEL' OR kind = 'LANE' OR kind = 'FUEL' OR kind = 'CALENDAR' OR kind = 'TAX' OR kind = 'VOLUME' OR kind = 'CAPACITY' OR kind = 'TIER'),
  ordinal INTEGER NOT NULL,
  code TEXT NOT NULL,
  terms TEXT NOT NULL,
  PRIMARY KEY (partner_id, contract_version_id, kind, ordinal)
) WITHOUT ROWID;
CREATE INDEX rate_items_version ON rate_items (contract_version_id);

CREATE TABLE rate_lines (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  contract_version_id BIGINT NOT NULL REFERENCES contract_versions (id),
  ordinal INTEGER NOT NULL,
  code TEXT NOT NULL,
  head TEXT NOT NULL,
  table_id BIGINT NOT NULL,
  cell_count BIGINT NOT NULL,
  cells_sha256 TEXT NOT NULL,
  UNIQUE (contract_version_id, ordinal)
);
CREATE INDEX rate_lines_table ON rate_lines (table_id);

CREATE TABLE rate_cells (
  partner_id BIGINT NOT NULL,
  table_id BIGINT NOT NULL,
  ordinal INTEGER NOT NULL,
  column_no INTEGER NOT NULL,
  first_lower BIGINT NOT NULL,
  first_upper BIGINT,
  second_lower BIGINT NOT NULL,
  second_upper BIGINT,
  rate_micros BIGINT NOT NULL,
  prior_micros BIGINT,
  min_micros BIGINT,
  PRIMARY KEY (partner_id, table_id, ordinal)
) WITHOUT ROWID;

-- Facts from outside any contract, as known from `recorded_at` on. Rows are added, never changed.

CREATE TABLE fuel_prices (
  index_code TEXT NOT NULL,
  published_on INTEGER NOT NULL,
  effective_from INTEGER,
  price_micros BIGINT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (index_code, published_on, recorded_at)
) WITHOUT ROWID;

CREATE TABLE fx_rates (
  base TEXT NOT NULL,
  quote TEXT NOT NULL,
  day INTEGER NOT NULL,
  rate TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (base, quote, day, recorded_at)
) WITHOUT ROWID;

-- Imports of rates, fuel prices and exchange rates are recorded like all others.

ALTER TABLE imports RENAME TO imports_before;
CREATE TABLE imports (
  id BIGINT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('PARTNERS', 'LANES', 'SHIPMENTS', 'EVENTS', 'TENDERS', 'CAPACITY', 'CHARGES', 'RATES', 'FUEL', 'FX')),
  file_name TEXT NOT NULL,
  mapping TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED')),
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  rows_read BIGINT NOT NULL DEFAULT 0,
  rows_new BIGINT NOT NULL DEFAULT 0,
  rows_changed BIGINT NOT NULL DEFAULT 0,
  rows_same BIGINT NOT NULL DEFAULT 0,
  rows_rejected BIGINT NOT NULL DEFAULT 0
);
INSERT INTO imports SELECT * FROM imports_before;
DROP TABLE imports_before;
