-- Misses are counted by the reason given for them: days of facts with a miss are summed again by the next refresh.

INSERT INTO stale_cells (partner_id, source, source_day)
SELECT DISTINCT partner_id, 'SHIPMENTS', obligation_day FROM shipments
WHERE pickup_window_outcome IN ('L', 'E', 'X')
   OR delivery_day_outcome IN ('L', 'E', 'X')
   OR delivery_window_outcome IN ('L', 'E', 'X')
ON CONFLICT DO NOTHING;

-- A tender that counts against the partner is excused like a missed stop: what is asked for says what it is about, with the
-- id of that in shipment_id, and the party stands beside the tender. Of a tender the stop says nothing.
ALTER TABLE exclusions ADD COLUMN unit TEXT NOT NULL DEFAULT 'SHIPMENT' CHECK (unit IN ('SHIPMENT', 'TENDER'));
ALTER TABLE tenders ADD COLUMN exclusion TEXT CHECK (exclusion = 'SHIPPER' OR exclusion = 'CONSIGNEE' OR exclusion = 'FORCE_MAJEURE' OR exclusion = 'GOVERNMENT');
