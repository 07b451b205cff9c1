-- Deliveries that count against the carrier, which the nightly accrual reads partner by partner: one shipment in ten or fewer. A bulk
-- load keeps this index, since few of its rows enter it. Its condition is word for word that of `missed_rows` in db/late_delivery.
CREATE INDEX shipments_missed ON shipments (partner_id, obligation_day, id)
WHERE delivery_window_outcome = 'L' OR delivery_window_outcome = 'E'
  OR (delivery_window_outcome = '-' AND (delivery_day_outcome = 'L' OR delivery_day_outcome = 'E'));
