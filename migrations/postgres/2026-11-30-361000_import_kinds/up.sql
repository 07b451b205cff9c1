-- Accessorial rates and fuel tables of a contract are files of their own kinds. Which of the rate files that came in before
-- were such is told by the mapping where it was the usual one; the others stay rates.

ALTER TABLE imports RENAME TO imports_before;
CREATE TABLE imports (
  id BIGINT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('PARTNERS', 'LANES', 'SHIPMENTS', 'EVENTS', 'TENDERS', 'CAPACITY', 'CHARGES', 'ACCESSORIALS', 'RATES', 'ACCESSORIAL_RATES', 'FUEL_TABLE', 'FUEL', 'FX')),
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
SELECT id,
  CASE mapping WHEN 'by column name (accessorial-rates)' THEN 'ACCESSORIAL_RATES' WHEN 'by column name (fuel-table)' THEN 'FUEL_TABLE' ELSE kind END,
  file_name, mapping, state, started_at, finished_at, rows_read, rows_new, rows_changed, rows_same, rows_rejected, imported_by
FROM imports_before;
DROP TABLE imports_before;
