-- Misses are counted by the reason given for them: days of facts with a miss are summed again by the next refresh.

INSERT INTO stale_cells (partner_id, source, source_day)
SELECT DISTINCT partner_id, 'SHIPMENTS', obligation_day FROM shipments
WHERE pickup_window_outcome IN ('L', 'E', 'X')
   OR delivery_day_outcome IN ('L', 'E', 'X')
   OR delivery_window_outcome IN ('L', 'E', 'X')
ON CONFLICT DO NOTHING;
