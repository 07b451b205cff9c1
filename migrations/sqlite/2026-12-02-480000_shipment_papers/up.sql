-- The numbers by which others know a shipment, and who pays its freight, as its papers say: rows only where its feed says
-- anything of it.

CREATE TABLE shipment_numbers (
  obligation_day INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('PRO', 'BOL', 'LOAD')),
  number_key TEXT NOT NULL,
  number TEXT NOT NULL,
  stop INTEGER CHECK (stop > 0),
  PRIMARY KEY (obligation_day, partner_id, shipment_id, kind, number_key)
) WITHOUT ROWID;
CREATE INDEX shipment_numbers_key ON shipment_numbers (partner_id, kind, number_key);

CREATE TABLE shipment_freight_terms (
  obligation_day INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  freight_terms TEXT NOT NULL CHECK (freight_terms IN ('PREPAID', 'COLLECT', 'THIRD_PARTY')),
  PRIMARY KEY (obligation_day, partner_id, shipment_id)
) WITHOUT ROWID;

-- The same of invoices. Every number by which one names a shipment, as numbers are compared, so that a shipment finds it.

ALTER TABLE invoice_lines ADD COLUMN load_number TEXT;
ALTER TABLE invoice_lines ADD COLUMN stop INTEGER;
ALTER TABLE invoice_lines ADD COLUMN freight_terms TEXT;

CREATE TABLE invoice_numbers (
  partner_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('PRO', 'BOL', 'LOAD')),
  number_key TEXT NOT NULL,
  invoice_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, kind, number_key, invoice_id)
) WITHOUT ROWID;

-- Letters and digits alone, capitals, no zeros in front. Most numbers are that already; of the others one sign a step. Spaces and
-- dashes beyond ASCII fall away as well.
WITH RECURSIVE said (partner_id, invoice_id, kind, number) AS (
  SELECT partner_id, invoice_id, 'PRO', upper(pro) FROM invoice_lines WHERE pro IS NOT NULL
  UNION
  SELECT partner_id, invoice_id, 'BOL', upper(bol) FROM invoice_lines WHERE bol IS NOT NULL
), plain (partner_id, invoice_id, kind, rest, number_key) AS (
  SELECT partner_id, invoice_id, kind,
    CASE WHEN number GLOB '*[^0-9A-Z]*' THEN number ELSE '' END,
    CASE WHEN number GLOB '*[^0-9A-Z]*' THEN '' ELSE number END
  FROM said
  UNION ALL
  SELECT partner_id, invoice_id, kind, substr(rest, 2), number_key || CASE
    WHEN substr(rest, 1, 1) GLOB '[0-9A-Z]' THEN substr(rest, 1, 1)
    WHEN unicode(rest) < 192 OR unicode(rest) IN (215, 247, 12288, 65279) OR unicode(rest) BETWEEN 8192 AND 8303 THEN ''
    ELSE substr(rest, 1, 1) END
  FROM plain WHERE rest <> ''
)
INSERT INTO invoice_numbers (partner_id, kind, number_key, invoice_id)
SELECT DISTINCT partner_id, kind,
  CASE WHEN ltrim(number_key, '0') = '' THEN number_key ELSE ltrim(number_key, '0') END, invoice_id
FROM plain WHERE rest = '' AND number_key <> '';
