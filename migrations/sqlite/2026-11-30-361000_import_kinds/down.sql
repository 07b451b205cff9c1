ALTER TABLE imports RENAME TO imports_after;
CREATE TABLE imports (
  id BIGINT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('PARTNERS', 'LANES', 'SHIPMENTS', 'EVENTS', 'TENDERS', 'CAPACITY', 'CHARGES', 'ACCESSORIALS', 'RATES', 'FUEL', 'FX')),
  file_name TEXT NOT NULL,
  mapping TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED')),
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  rows_read BIGINT NOT NULL DEFAULT 0,
  rows_new BIGINT NOT NULL DEFAULT 0,
  rows_changed BIGINT NOT NULL DEFAULT 0,
  rows_same BIGINT NOT NULL DEFAULT 0,
  rows_rejected BIGINT NOT NULL DEFAULT 0,
  imported_by TEXT NOT NULL DEFAULT 'command line'
);
INSERT INTO imports (id, kind, file_name, mapping, state, started_at, finished_at, rows_read, rows_new, rows_changed, rows_same, rows_rejected, imported_by)
SELECT id, CASE WHEN kind IN ('ACCESSORIAL_RATES', 'FUEL_TABLE') THEN 'RATES' ELSE kind END, file_name, mapping, state, started_at, finished_at, rows_read, rows_new, rows_changed, rows_same, rows_rejected, imported_by
FROM imports_after;
DROP TABLE imports_after;
