-- The numbers by which others know a shipment, and who pays its freight, as its papers say: rows only where its feed says
-- anything of it.

CREATE TABLE shipment_numbers (
  obligation_day DATE NOT NULL,
  partner_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('PRO', 'BOL', 'LOAD')),
  number_key TEXT NOT NULL,
  number TEXT NOT NULL,
  stop INTEGER CHECK (stop > 0),
  PRIMARY KEY (obligation_day, partner_id, shipment_id, kind, number_key)
);
CREATE INDEX shipment_numbers_key ON shipment_numbers (partner_id, kind, number_key);

CREATE TABLE shipment_freight_terms (
  obligation_day DATE NOT NULL,
  partner_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  freight_terms TEXT NOT NULL CHECK (freight_terms IN ('PREPAID', 'COLLECT', 'THIRD_PARTY')),
  PRIMARY KEY (obligation_day, partner_id, shipment_id)
);

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
);

-- Letters and digits alone, capitals, no zeros in front.
WITH said AS (
  SELECT partner_id, invoice_id, 'PRO' AS kind, pro AS number FROM invoice_lines WHERE pro IS NOT NULL
  UNION
  SELECT partner_id, invoice_id, 'BOL' AS kind, bol AS number FROM invoice_lines WHERE bol IS NOT NULL
), plain AS (
  SELECT partner_id, invoice_id, kind, regexp_replace(upper(number), '[^[:alnum:]]', '', 'g') AS number_key FROM said
)
INSERT INTO invoice_numbers (partner_id, kind, number_key, invoice_id)
SELECT DISTINCT partner_id, kind,
  CASE WHEN ltrim(number_key, '0') = '' THEN number_key ELSE ltrim(number_key, '0') END, invoice_id
FROM plain WHERE number_key <> '';
