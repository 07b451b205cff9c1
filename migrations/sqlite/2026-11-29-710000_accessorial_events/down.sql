ALTER TABLE imports RENAME TO imports_after;
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
  rows_rejected BIGINT NOT NULL DEFAULT 0,
  imported_by TEXT NOT NULL DEFAULT 'command line'
);
INSERT INTO imports SELECT * FROM imports_after WHERE kind <> 'ACCESSORIALS';
DROP TABLE imports_after;
DROP TABLE accessorial_event_versions;
DROP TABLE accessorial_events;
