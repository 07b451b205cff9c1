-- The partners whose freight is accrued, and up to which day of delivery, without it, it was looked at as not billed in time.
CREATE TABLE freight_partners (
  partner_id BIGINT NOT NULL PRIMARY KEY REFERENCES partners (id),
  lapsed_before INTEGER NOT NULL
) WITHOUT ROWID;
-- The next run looks at all that stands.
INSERT INTO freight_partners (partner_id, lapsed_before) SELECT DISTINCT partner_id, 0 FROM freight_moves;
