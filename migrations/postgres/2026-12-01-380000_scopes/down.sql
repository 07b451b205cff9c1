ALTER TABLE tenders DROP COLUMN exclusion;
ALTER TABLE exclusions DROP COLUMN unit;

-- A sum that holds more than is known of does not read back: it is made again.

INSERT INTO stale_cells (partner_id, source, source_day)
SELECT DISTINCT partner_id, source, source_day FROM measure_cells WHERE true
ON CONFLICT DO NOTHING;
DELETE FROM measure_cells;
DELETE FROM lane_cells;
