-- Instants are UTC microseconds, days are local dates (src/db/types.rs). Enums are Text with a CHECK.
-- Large tables (shipments, tenders, charges, measures, ledger) carry partner_id in their primary key and
-- have no foreign keys: a bulk load would pay for each one per row. `lanemark verify` looks for orphans instead.

CREATE TABLE settings (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE partners (
  id BIGINT NOT NULL PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  scac TEXT NOT NULL DEFAULT '',
  mode TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'SUSPENDED', 'CLOSED')),
  contact_name TEXT NOT NULL DEFAULT '',
  contact_email TEXT NOT NULL DEFAULT '',
  review_cadence TEXT NOT NULL DEFAULT 'MONTHLY' CHECK (review_cadence IN ('WEEKLY', 'MONTHLY', 'QUARTERLY', 'NEVER')),
  created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE partner_aliases (
  alias TEXT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL REFERENCES partners (id)
);
CREATE INDEX partner_aliases_partner ON partner_aliases (partner_id);

CREATE TABLE users (
  id BIGINT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('ADMIN', 'PROCUREMENT', 'CARRIER_MANAGER', 'FINANCE', 'AUDITOR', 'PARTNER')),
  partner_id BIGINT REFERENCES partners (id),
  password_hash TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  CHECK ((role = 'PARTNER') = (partner_id IS NOT NULL))
);

CREATE TABLE sessions (
  key_hash TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE audit_log (
  id BIGINT NOT NULL PRIMARY KEY,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  partner_id BIGINT,
  detail TEXT NOT NULL
);

-- Dimensions of facts.

CREATE TABLE sources (
  id INTEGER NOT NULL PRIMARY KEY,
  code TEXT NOT NULL UNIQUE
);

CREATE TABLE zones (
  id INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

CREATE TABLE outcome_policies (
  id INTEGER NOT NULL PRIMARY KEY,
  terms TEXT NOT NULL UNIQUE
);

CREATE TABLE lanes (
  id BIGINT NOT NULL PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  origin TEXT NOT NULL,
  destination TEXT NOT NULL,
  origin_region TEXT NOT NULL DEFAULT '',
  region TEXT NOT NULL DEFAULT '',
  distance_m BIGINT,
  created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE imports (
  id BIGINT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('PARTNERS', 'LANES', 'SHIPMENTS', 'EVENTS', 'TENDERS', 'CAPACITY', 'CHARGES')),
  file_name TEXT NOT NULL,
  mapping TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED')),
  started_at TIMESTAMPTZ NOT NULL,
  finished_at TIMESTAMPTZ,
  rows_read BIGINT NOT NULL DEFAULT 0,
  rows_new BIGINT NOT NULL DEFAULT 0,
  rows_changed BIGINT NOT NULL DEFAULT 0,
  rows_same BIGINT NOT NULL DEFAULT 0,
  rows_rejected BIGINT NOT NULL DEFAULT 0
);

-- Facts. Their checks compare one by one: for a longer IN list SQLite builds an index in memory at each insert.

CREATE TABLE shipments (
  obligation_day DATE NOT NULL,
  partner_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  source_id INTEGER NOT NULL,
  reference TEXT NOT NULL,
  fact_hash BIGINT NOT NULL,
  version INTEGER NOT NULL,
  import_id BIGINT NOT NULL,
  import_row BIGINT NOT NULL,
  policy_id INTEGER NOT NULL,
  lane_id BIGINT,
  service TEXT NOT NULL,
  mode TEXT NOT NULL,
  region TEXT NOT NULL,
  equipment TEXT NOT NULL,
  pickup_zone_id INTEGER,
  delivery_zone_id INTEGER,
  pickup_window_start TIMESTAMPTZ,
  pickup_window_end TIMESTAMPTZ,
  pickup_due_day DATE,
  delivery_window_start TIMESTAMPTZ,
  delivery_window_end TIMESTAMPTZ,
  delivery_due_day DATE,
  date_only INTEGER NOT NULL,
  pickup_arrived_at TIMESTAMPTZ,
  pickup_arrived_received_at TIMESTAMPTZ,
  picked_up_at TIMESTAMPTZ,
  arrived_at TIMESTAMPTZ,
  arrived_received_at TIMESTAMPTZ,
  delivered_at TIMESTAMPTZ,
  delivered_received_at TIMESTAMPTZ,
  station_arrived_at TIMESTAMPTZ,
  out_for_delivery_at TIMESTAMPTZ,
  cancelled_at TIMESTAMPTZ,
  attempts INTEGER,
  first_attempt TEXT CHECK (first_attempt = 'SUCCESS' OR first_attempt = 'FAILED' OR first_attempt = 'REFUSED' OR first_attempt = 'ADDRESS_ERROR'),
  disposition TEXT CHECK (disposition IN ('DELIVERED', 'RETURNED')),
  diverted_by TEXT CHECK (diverted_by = 'CARRIER' OR diverted_by = 'SHIPPER' OR diverted_by = 'CONSIGNEE' OR diverted_by = 'DISRUPTION'),
  pickup_reason TEXT,
  delivery_reason TEXT,
  pickup_exclusion TEXT CHECK (pickup_exclusion = 'SHIPPER' OR pickup_exclusion = 'CONSIGNEE' OR pickup_exclusion = 'FORCE_MAJEURE' OR pickup_exclusion = 'GOVERNMENT'),
  delivery_exclusion TEXT CHECK (delivery_exclusion = 'SHIPPER' OR delivery_exclusion = 'CONSIGNEE' OR delivery_exclusion = 'FORCE_MAJEURE' OR delivery_exclusion = 'GOVERNMENT'),
  pieces BIGINT,
  weight_g BIGINT,
  distance_m BIGINT,
  currency TEXT,
  linehaul_micros BIGINT,
  fuel_micros BIGINT,
  accessorial_micros BIGINT,
  freight_micros BIGINT,
  rated_micros BIGINT,
  pickup_window_outcome TEXT NOT NULL CHECK (pickup_window_outcome = '-' OR pickup_window_outcome = 'P' OR pickup_window_outcome = 'S' OR pickup_window_outcome = 'L' OR pickup_window_outcome = 'E' OR pickup_window_outcome = 'X' OR pickup_window_outcome = 'B'),
  delivery_day_outcome TEXT NOT NULL CHECK (delivery_day_outcome = '-' OR delivery_day_outcome = 'P' OR delivery_day_outcome = 'S' OR delivery_day_outcome = 'L' OR delivery_day_outcome = 'E' OR delivery_day_outcome = 'X' OR delivery_day_outcome = 'B'),
  delivery_window_outcome TEXT NOT NULL CHECK (delivery_window_outcome = '-' OR delivery_window_outcome = 'P' OR delivery_window_outcome = 'S' OR delivery_window_outcome = 'L' OR delivery_window_outcome = 'E' OR delivery_window_outcome = 'X' OR delivery_window_outcome = 'B'),
  settles_at TIMESTAMPTZ,
  PRIMARY KEY (obligation_day, partner_id, id)
);
CREATE UNIQUE INDEX shipments_key ON shipments (partner_id, reference, source_id);
CREATE INDEX shipments_open ON shipments (settles_at) WHERE settles_at IS NOT NULL;

CREATE TABLE shipment_versions (
  partner_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  version INTEGER NOT NULL,
  fact TEXT NOT NULL,
  import_id BIGINT NOT NULL,
  replaced_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, shipment_id, version)
);

CREATE TABLE shipment_events (
  partner_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  source_id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind = 'PICKUP_ARRIVED' OR kind = 'PICKED_UP' OR kind = 'STATION_ARRIVED' OR kind = 'OUT_FOR_DELIVERY' OR kind = 'ARRIVED' OR kind = 'DELIVERED' OR kind = 'RETURNED' OR kind = 'DIVERTED'),
  event_at TIMESTAMPTZ NOT NULL,
  received_at TIMESTAMPTZ,
  date_only BOOLEAN NOT NULL,
  reporter TEXT NOT NULL CHECK (reporter = 'ELD' OR reporter = 'APP' OR reporter = 'EDI' OR reporter = 'API' OR reporter = 'PORTAL' OR reporter = 'EMAIL' OR reporter = 'MANUAL'),
  reason TEXT,
  import_id BIGINT NOT NULL,
  import_row BIGINT NOT NULL,
  PRIMARY KEY (partner_id, shipment_id, id)
);

CREATE TABLE tenders (
  sent_day DATE NOT NULL,
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
  sequence INTEGER,
  sent_at TIMESTAMPTZ NOT NULL,
  respond_by TIMESTAMPTZ,
  responded_at TIMESTAMPTZ,
  response TEXT CHECK (response = 'ACCEPTED' OR response = 'REJECTED' OR response = 'EXPIRED' OR response = 'WITHDRAWN'),
  decline_reason TEXT,
  pickup_at TIMESTAMPTZ,
  bounced_at TIMESTAMPTZ,
  beyond_commitment BOOLEAN NOT NULL,
  short_notice BOOLEAN NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome = '-' OR outcome = 'P' OR outcome = 'S' OR outcome = 'L' OR outcome = 'E' OR outcome = 'X' OR outcome = 'B'),
  settles_at TIMESTAMPTZ,
  PRIMARY KEY (sent_day, partner_id, id)
);
CREATE UNIQUE INDEX tenders_key ON tenders (partner_id, source_id, reference);
CREATE INDEX tenders_open ON tenders (settles_at) WHERE settles_at IS NOT NULL;

CREATE TABLE tender_versions (
  partner_id BIGINT NOT NULL,
  tender_id BIGINT NOT NULL,
  version INTEGER NOT NULL,
  fact TEXT NOT NULL,
  import_id BIGINT NOT NULL,
  replaced_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, tender_id, version)
);

CREATE TABLE charges (
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
  category TEXT NOT NULL CHECK (category = 'LINEHAUL' OR category = 'FUEL' OR category = 'ACCESSORIAL' OR category = 'TAX'),
  amount_micros BIGINT NOT NULL,
  rated_micros BIGINT,
  currency TEXT NOT NULL,
  charged_day DATE,
  PRIMARY KEY (partner_id, shipment_id, id)
);
CREATE UNIQUE INDEX charges_key ON charges (partner_id, source_id, reference);

CREATE TABLE charge_versions (
  partner_id BIGINT NOT NULL,
  charge_id BIGINT NOT NULL,
  version INTEGER NOT NULL,
  fact TEXT NOT NULL,
  import_id BIGINT NOT NULL,
  replaced_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, charge_id, version)
);

CREATE TABLE capacity_commitments (
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  lane_id BIGINT NOT NULL REFERENCES lanes (id),
  week DATE NOT NULL,
  base_units INTEGER NOT NULL CHECK (base_units >= 0),
  surge_bps INTEGER NOT NULL CHECK (surge_bps >= 0),
  unit_cost_micros BIGINT,
  currency TEXT NOT NULL,
  recorded_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, lane_id, week)
);

-- Sums of outcomes.

CREATE TABLE stale_cells (
  partner_id BIGINT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS')),
  source_day DATE NOT NULL,
  PRIMARY KEY (partner_id, source, source_day)
);

CREATE TABLE stale_lane_months (
  partner_id BIGINT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS')),
  source_month DATE NOT NULL,
  PRIMARY KEY (partner_id, source, source_month)
);

CREATE TABLE measure_cells (
  partner_id BIGINT NOT NULL,
  day DATE NOT NULL,
  service TEXT NOT NULL,
  mode TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS')),
  source_day DATE NOT NULL,
  measures TEXT NOT NULL,
  PRIMARY KEY (partner_id, day, service, mode, source, source_day)
);
CREATE INDEX measure_cells_source ON measure_cells (source, source_day, partner_id);

CREATE TABLE lane_cells (
  partner_id BIGINT NOT NULL,
  month DATE NOT NULL,
  lane_id BIGINT NOT NULL,
  service TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('SHIPMENTS', 'TENDERS')),
  source_month DATE NOT NULL,
  measures TEXT NOT NULL,
  PRIMARY KEY (partner_id, month, lane_id, service, source, source_month)
);
CREATE INDEX lane_cells_source ON lane_cells (source, source_month, partner_id);

-- Judgement.

CREATE TABLE scorecard_templates (
  id BIGINT NOT NULL PRIMARY KEY,
  version TEXT NOT NULL UNIQUE,
  definition TEXT NOT NULL,
  valid_from DATE NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE scorecards (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  period TEXT NOT NULL,
  period_start DATE NOT NULL,
  template_id BIGINT NOT NULL REFERENCES scorecard_templates (id),
  state TEXT NOT NULL CHECK (state IN ('PROVISIONAL', 'PARTNER_REVIEW', 'FINAL')),
  composite_tenths INTEGER,
  standing TEXT NOT NULL,
  coverage_bps INTEGER NOT NULL,
  summary TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  snapshot_hash TEXT NOT NULL,
  restates BIGINT REFERENCES scorecards (id),
  latest BOOLEAN NOT NULL,
  as_of TIMESTAMPTZ NOT NULL,
  run_id BIGINT,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX scorecards_latest ON scorecards (partner_id, period) WHERE latest;
CREATE INDEX scorecards_period ON scorecards (period, partner_id);

-- Contracts.

CREATE TABLE contracts (
  id BIGINT NOT NULL PRIMARY KEY,
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  number TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  currency TEXT NOT NULL,
  term_start DATE NOT NULL,
  term_end DATE NOT NULL,
  renewal TEXT NOT NULL CHECK (renewal IN ('FIXED', 'AUTO_RENEW', 'EVERGREEN')),
  renewal_months INTEGER NOT NULL,
  notice_days INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('DRAFT', 'ACTIVE', 'SUSPENDED', 'TERMINATED', 'EXPIRED')),
  created_by TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX contracts_partner ON contracts (partner_id);

CREATE TABLE contract_versions (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_id BIGINT NOT NULL REFERENCES contracts (id),
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  version INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('ORIGINAL', 'AMENDMENT', 'RENEWAL', 'RATE_UPDATE')),
  valid_from DATE NOT NULL,
  valid_to DATE,
  status TEXT NOT NULL CHECK (status IN ('DRAFT', 'IN_REVIEW', 'APPROVED', 'SIGNED', 'ACTIVE', 'SUSPENDED', 'SUPERSEDED', 'EXPIRED', 'TERMINATED')),
  change_summary TEXT NOT NULL,
  caps TEXT NOT NULL,
  authors TEXT NOT NULL DEFAULT '',
  created_by TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  approved_by TEXT,
  approved_at TIMESTAMPTZ,
  UNIQUE (contract_id, version)
);

CREATE TABLE accessorial_rates (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_version_id BIGINT NOT NULL REFERENCES contract_versions (id),
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  code TEXT NOT NULL,
  terms TEXT NOT NULL,
  rate_micros BIGINT NOT NULL,
  UNIQUE (contract_version_id, code)
);

CREATE TABLE kpi_targets (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_version_id BIGINT NOT NULL REFERENCES contract_versions (id),
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  kpi TEXT NOT NULL,
  floor_micros BIGINT NOT NULL,
  target_micros BIGINT NOT NULL,
  stretch_micros BIGINT NOT NULL,
  UNIQUE (contract_version_id, kpi)
);

CREATE TABLE clauses (
  id BIGINT NOT NULL PRIMARY KEY,
  contract_version_id BIGINT NOT NULL REFERENCES contract_versions (id),
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  code TEXT NOT NULL,
  title TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('LATE_DELIVERY', 'PERIOD_THRESHOLD')),
  terms TEXT NOT NULL,
  UNIQUE (contract_version_id, code)
);

CREATE TABLE contract_notices (
  contract_id BIGINT NOT NULL REFERENCES contracts (id),
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  kind TEXT NOT NULL,
  due_day DATE NOT NULL,
  days_before INTEGER NOT NULL,
  raised_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (contract_id, kind, due_day, days_before)
);

-- Service credits: target state and the double-entry sub-ledger.

CREATE TABLE accruals (
  partner_id BIGINT NOT NULL,
  obligation_key TEXT NOT NULL,
  contract_version_id BIGINT NOT NULL,
  clause_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  obligation_day DATE NOT NULL,
  shipment_id BIGINT,
  uncapped_micros BIGINT NOT NULL,
  target_micros BIGINT NOT NULL,
  forgone_micros BIGINT NOT NULL,
  currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ESTIMATED', 'ACCRUED', 'ASSESSED', 'REVERSED')),
  steps TEXT NOT NULL,
  run_id BIGINT,
  updated_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, obligation_key)
);
CREATE INDEX accruals_period ON accruals (period, partner_id);

CREATE TABLE journal_entries (
  partner_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  obligation_key TEXT NOT NULL,
  contract_version_id BIGINT NOT NULL,
  clause_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  obligation_day DATE NOT NULL,
  posting_day DATE NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('INITIAL', 'ACCRUAL', 'TRUE_UP', 'REVERSAL', 'CAP_REALLOCATION', 'DISPUTE')),
  recognition TEXT NOT NULL CHECK (recognition IN ('MEMO', 'GL')),
  memo TEXT NOT NULL,
  run_id BIGINT,
  created_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, id)
);
CREATE INDEX journal_entries_key ON journal_entries (partner_id, obligation_key);
CREATE INDEX journal_entries_posting ON journal_entries (posting_day);

CREATE TABLE journal_lines (
  partner_id BIGINT NOT NULL,
  entry_id BIGINT NOT NULL,
  line_no INTEGER NOT NULL,
  account INTEGER NOT NULL,
  side TEXT NOT NULL CHECK (side IN ('DR', 'CR')),
  amount_micros BIGINT NOT NULL CHECK (amount_micros > 0),
  currency TEXT NOT NULL,
  PRIMARY KEY (partner_id, entry_id, line_no)
);

-- Capacity plan.

CREATE TABLE plans (
  id BIGINT NOT NULL PRIMARY KEY,
  as_of_day DATE NOT NULL UNIQUE,
  first_week DATE NOT NULL,
  weeks INTEGER NOT NULL,
  summary TEXT NOT NULL,
  inputs_hash TEXT NOT NULL,
  run_id BIGINT,
  created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE plan_lanes (
  plan_id BIGINT NOT NULL REFERENCES plans (id),
  lane_id BIGINT NOT NULL REFERENCES lanes (id),
  week DATE NOT NULL,
  p25 INTEGER NOT NULL,
  p50 INTEGER NOT NULL,
  p75 INTEGER NOT NULL,
  p90 INTEGER NOT NULL,
  uncovered INTEGER NOT NULL,
  method TEXT NOT NULL,
  PRIMARY KEY (plan_id, lane_id, week)
);

CREATE TABLE plan_cells (
  plan_id BIGINT NOT NULL REFERENCES plans (id),
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  lane_id BIGINT NOT NULL REFERENCES lanes (id),
  week DATE NOT NULL,
  committed INTEGER NOT NULL,
  base_units INTEGER NOT NULL,
  surge_units INTEGER NOT NULL,
  unit_cost_micros BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('SHARED', 'COMMITTED', 'COUNTERED', 'DECLINED')),
  answer_units INTEGER,
  answer_reason TEXT NOT NULL DEFAULT '',
  answered_by TEXT NOT NULL DEFAULT '',
  answered_at TIMESTAMPTZ,
  PRIMARY KEY (plan_id, partner_id, lane_id, week)
);

-- Jobs and mail.

CREATE TABLE job_runs (
  id BIGINT NOT NULL PRIMARY KEY,
  job TEXT NOT NULL,
  scope TEXT NOT NULL,
  due_at TIMESTAMPTZ NOT NULL,
  as_of TIMESTAMPTZ NOT NULL,
  period TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED')),
  trigger_kind TEXT NOT NULL CHECK (trigger_kind IN ('SCHEDULE', 'CATCH_UP', 'MANUAL')),
  requested_by TEXT NOT NULL,
  node TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  lease_until TIMESTAMPTZ NOT NULL,
  started_at TIMESTAMPTZ NOT NULL,
  finished_at TIMESTAMPTZ,
  changed_rows BIGINT NOT NULL,
  summary TEXT NOT NULL,
  details TEXT NOT NULL,
  error TEXT NOT NULL,
  UNIQUE (job, scope, due_at)
);
CREATE INDEX job_runs_started ON job_runs (started_at);

CREATE TABLE mails (
  id BIGINT NOT NULL PRIMARY KEY,
  dedupe_key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  partner_id BIGINT REFERENCES partners (id),
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  text_body TEXT NOT NULL,
  html_body TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('QUEUED', 'SENDING', 'SENT', 'FAILED')),
  attempts INTEGER NOT NULL,
  next_attempt_at TIMESTAMPTZ NOT NULL,
  last_error TEXT NOT NULL,
  delivered_to TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  sent_at TIMESTAMPTZ
);
CREATE INDEX mails_queue ON mails (state, next_attempt_at);

CREATE TABLE mail_parts (
  mail_id BIGINT NOT NULL REFERENCES mails (id),
  content_id TEXT NOT NULL,
  content_type TEXT NOT NULL,
  content BYTEA NOT NULL,
  PRIMARY KEY (mail_id, content_id)
);
