-- More is summed of every fact than before: each day that was summed is summed again by the next refresh.

INSERT INTO stale_cells (partner_id, source, source_day)
SELECT DISTINCT partner_id, source, source_day FROM measure_cells WHERE true
ON CONFLICT DO NOTHING;
