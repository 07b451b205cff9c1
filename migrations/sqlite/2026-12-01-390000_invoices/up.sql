-- Carriers' invoices line by line, what each audit of them found, what was done about it, and by which terms they are audited.
-- An invoice is never changed: another content under its number is refused, and corrections are invoices of their own.

CREATE TABLE invoices (
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  id BIGINT NOT NULL,
  number TEXT NOT NULL,
  number_key TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('ORIGINAL', 'CORRECTION', 'CREDIT')),
  corrects TEXT,
  corrects_key TEXT,
  issued_on INTEGER NOT NULL,
  received_on INTEGER NOT NULL,
  currency TEXT NOT NULL,
  remit_to TEXT,
  total_micros BIGINT NOT NULL,
  fact_hash BIGINT NOT NULL,
  import_id BIGINT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (partner_id, id),
  CHECK ((corrects IS NULL) = (corrects_key IS NULL))
) WITHOUT ROWID;
CREATE UNIQUE INDEX invoices_number ON invoices (partner_id, number);
CREATE INDEX invoices_key ON invoices (partner_id, number_key);
CREATE INDEX invoices_corrects ON invoices (partner_id, corrects_key) WHERE corrects_key IS NOT NULL;
CREATE INDEX invoices_received ON invoices (received_on, partner_id, id);

CREATE TABLE invoice_lines (
  partner_id BIGINT NOT NULL,
  invoice_id BIGINT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  shipment TEXT,
  pro TEXT,
  bol TEXT,
  code TEXT NOT NULL,
  category TEXT NOT NULL CHECK (category IN ('LINEHAUL', 'FUEL', 'ACCESSORIAL', 'TAX')),
  quantity_micros BIGINT,
  unit TEXT,
  amount_micros BIGINT NOT NULL,
  import_row BIGINT NOT NULL,
  PRIMARY KEY (partner_id, invoice_id, seq),
  FOREIGN KEY (partner_id, invoice_id) REFERENCES invoices (partner_id, id)
) WITHOUT ROWID;

CREATE INDEX invoice_lines_code ON invoice_lines (partner_id, category, code);

-- Every name by which an invoice names a shipment, so that a shipment finds the invoices it touches.

CREATE TABLE invoice_references (
  partner_id BIGINT NOT NULL,
  reference TEXT NOT NULL,
  invoice_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, reference, invoice_id)
) WITHOUT ROWID;

-- Invoices of which something changed, until they are audited again.

CREATE TABLE stale_invoices (
  partner_id BIGINT NOT NULL,
  invoice_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, invoice_id)
);

CREATE TABLE invoice_audits (
  partner_id BIGINT NOT NULL,
  invoice_id BIGINT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  facts_hash BIGINT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('MATCHED', 'MATCHED_VARIANCE', 'UNMATCHED', 'DUPLICATE', 'REJECTED')),
  outcome TEXT NOT NULL CHECK (outcome IN ('PAY', 'PAY_AS_RATED', 'PAY_AND_CLAIM', 'HOLD', 'REJECT')),
  billed_micros BIGINT NOT NULL,
  approved_micros BIGINT NOT NULL,
  disputed_micros BIGINT NOT NULL,
  payable_micros BIGINT NOT NULL,
  codes TEXT NOT NULL,
  accuracy TEXT NOT NULL,
  result TEXT NOT NULL,
  audited_at INTEGER NOT NULL,
  PRIMARY KEY (partner_id, invoice_id, seq),
  CHECK (approved_micros + disputed_micros = billed_micros),
  FOREIGN KEY (partner_id, invoice_id) REFERENCES invoices (partner_id, id)
) WITHOUT ROWID;

CREATE TABLE invoice_steps (
  partner_id BIGINT NOT NULL,
  invoice_id BIGINT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  kind TEXT NOT NULL CHECK (kind IN ('SENT', 'ACCEPTED', 'REFUSED', 'CREDITED', 'WRITTEN_OFF')),
  amount_micros BIGINT NOT NULL CHECK (amount_micros > 0),
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, invoice_id, seq),
  FOREIGN KEY (partner_id, invoice_id) REFERENCES invoices (partner_id, id)
) WITHOUT ROWID;

CREATE TABLE audit_terms (
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  seq INTEGER NOT NULL CHECK (seq > 0),
  valid_from INTEGER NOT NULL,
  terms TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, seq)
) WITHOUT ROWID;

CREATE TRIGGER invoices_stay BEFORE UPDATE ON invoices
BEGIN SELECT RAISE(ABORT, 'invoices is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoices_keep BEFORE DELETE ON invoices
BEGIN SELECT RAISE(ABORT, 'invoices is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoices_once BEFORE INSERT ON invoices
WHEN EXISTS (SELECT 1 FROM invoices WHERE partner_id = NEW.partner_id AND id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'invoices is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_lines_stay BEFORE UPDATE ON invoice_lines
BEGIN SELECT RAISE(ABORT, 'invoice_lines is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_lines_keep BEFORE DELETE ON invoice_lines
BEGIN SELECT RAISE(ABORT, 'invoice_lines is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_lines_once BEFORE INSERT ON invoice_lines
WHEN EXISTS (SELECT 1 FROM invoice_lines WHERE partner_id = NEW.partner_id AND invoice_id = NEW.invoice_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'invoice_lines is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_audits_stay BEFORE UPDATE ON invoice_audits
BEGIN SELECT RAISE(ABORT, 'invoice_audits is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_audits_keep BEFORE DELETE ON invoice_audits
BEGIN SELECT RAISE(ABORT, 'invoice_audits is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_audits_once BEFORE INSERT ON invoice_audits
WHEN EXISTS (SELECT 1 FROM invoice_audits WHERE partner_id = NEW.partner_id AND invoice_id = NEW.invoice_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'invoice_audits is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_steps_stay BEFORE UPDATE ON invoice_steps
BEGIN SELECT RAISE(ABORT, 'invoice_steps is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_steps_keep BEFORE DELETE ON invoice_steps
BEGIN SELECT RAISE(ABORT, 'invoice_steps is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER invoice_steps_once BEFORE INSERT ON invoice_steps
WHEN EXISTS (SELECT 1 FROM invoice_steps WHERE partner_id = NEW.partner_id AND invoice_id = NEW.invoice_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'invoice_steps is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER audit_terms_stay BEFORE UPDATE ON audit_terms
BEGIN SELECT RAISE(ABORT, 'audit_terms is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER audit_terms_keep BEFORE DELETE ON audit_terms
BEGIN SELECT RAISE(ABORT, 'audit_terms is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER audit_terms_once BEFORE INSERT ON audit_terms
WHEN EXISTS (SELECT 1 FROM audit_terms WHERE partner_id = NEW.partner_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'audit_terms is a history: rows are added, never changed or removed'); END;

-- Their imports are recorded like all others, and their sums lie in the same cells.

ALTER TABLE imports RENAME TO imports_before;
CREATE TABLE imports (
  id BIGINT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('PARTNERS', 'LANES', 'SHIPMENTS', 'EVENTS', 'TENDERS', 'CAPACITY', 'CHARGES', 'ACCESSORIALS', 'RATES', 'ACCESSORIAL_RATES', 'FUEL_TABLE', 'FUEL', 'FX', 'CLAIMS', 'CASES', 'BENCHMARKS', 'SAFETY', 'INVOICES')),
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
SELECT id, kind, file_name, mapping, state, started_at, finished_at, rows_read, rows_new, rows_changed, rows_same, rows_rejected, imported_by
FROM imports_before;
DROP TABLE imports_before;

ALTER TABLE stale_cells RENAME TO stale_cells_before;
CREATE TABLE stale_cells (
  partner_id BIGINT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS', 'CLAIMS', 'CASES', 'SAFETY', 'WEEKS', 'ANSWERS', 'INVOICES')),
  source_day INTEGER NOT NULL,
  PRIMARY KEY (partner_id, source, source_day)
);
INSERT INTO stale_cells (partner_id, source, source_day)
SELECT partner_id, source, source_day FROM stale_cells_before;
DROP TABLE stale_cells_before;

ALTER TABLE stale_lane_months RENAME TO stale_lane_months_before;
CREATE TABLE stale_lane_months (
  partner_id BIGINT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS', 'CLAIMS', 'CASES', 'SAFETY', 'WEEKS', 'ANSWERS', 'INVOICES')),
  source_month INTEGER NOT NULL,
  PRIMARY KEY (partner_id, source, source_month)
);
INSERT INTO stale_lane_months (partner_id, source, source_month)
SELECT partner_id, source, source_month FROM stale_lane_months_before;
DROP TABLE stale_lane_months_before;

ALTER TABLE measure_cells RENAME TO measure_cells_before;
CREATE TABLE measure_cells (
  partner_id BIGINT NOT NULL,
  day INTEGER NOT NULL,
  service TEXT NOT NULL,
  mode TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS', 'CLAIMS', 'CASES', 'SAFETY', 'WEEKS', 'ANSWERS', 'INVOICES')),
  source_day INTEGER NOT NULL,
  measures TEXT NOT NULL,
  PRIMARY KEY (partner_id, day, service, mode, source, source_day)
) WITHOUT ROWID;
INSERT INTO measure_cells (partner_id, day, service, mode, source, source_day, measures)
SELECT partner_id, day, service, mode, source, source_day, measures FROM measure_cells_before;
DROP TABLE measure_cells_before;
CREATE INDEX measure_cells_source ON measure_cells (source, source_day, partner_id);

ALTER TABLE lane_cells RENAME TO lane_cells_before;
CREATE TABLE lane_cells (
  partner_id BIGINT NOT NULL,
  month INTEGER NOT NULL,
  lane_id BIGINT NOT NULL,
  service TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS', 'CLAIMS', 'CASES', 'SAFETY', 'WEEKS', 'ANSWERS', 'INVOICES')),
  source_month INTEGER NOT NULL,
  measures TEXT NOT NULL,
  PRIMARY KEY (partner_id, month, lane_id, service, source, source_month)
) WITHOUT ROWID;
INSERT INTO lane_cells (partner_id, month, lane_id, service, source, source_month, measures)
SELECT partner_id, month, lane_id, service, source, source_month, measures FROM lane_cells_before;
DROP TABLE lane_cells_before;
CREATE INDEX lane_cells_source ON lane_cells (source, source_month, partner_id);
