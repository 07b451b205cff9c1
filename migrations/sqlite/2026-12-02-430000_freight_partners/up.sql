-- The partners whose freight is accrued, and up to which day of delivery, without it, it was looked at as not billed in time.
CREATE TABLE freight_partners (
  partner_id BIGINT NOT NULL PRIMARY KEY REFERENCES partners (id),
  lapsed_before INTEGER NOT NULL
) WITHOUT ROWID;
-- The next run looks again at every day that ever moved.
INSERT INTO freight_partners (partner_id, lapsed_before) SELECT DISTINCT partner_id, 0 FROM freight_moves;
INSERT INTO stale_freight (partner_id, obligation_day) SELECT DISTINCT partner_id, obligation_day FROM freight_moves WHERE true ON CONFLICT DO NOTHING;
