-- Counts what pages of scorecards are drawn from: each publication, preview, standing set by hand, exclusion and decision
-- about them. While the count stands, what was drawn still holds.
CREATE TABLE scorecard_changes (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  count BIGINT NOT NULL
);
INSERT INTO scorecard_changes (id, count) VALUES (1, 0);

-- The history of each partner, read by lists, trends and standings without a look at the documents.
CREATE INDEX scorecards_history ON scorecards (latest, partner_id, period_start);
