-- On which day the partner was told of an item that moves on no account when it is assessed: bonuses, what is earned back, promised
-- volume and rebates. Of a service credit the entry on 1420 says it.
CREATE TABLE item_notices (
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  obligation_key TEXT NOT NULL,
  told_on INTEGER NOT NULL,
  PRIMARY KEY (partner_id, obligation_key, told_on)
) WITHOUT ROWID;

-- Of items that were told before: the day that is known, or that of the first change after it.
INSERT INTO item_notices (partner_id, obligation_key, told_on)
SELECT told.partner_id, told.obligation_key, CASE WHEN changed.day < told.assessed_on THEN changed.day ELSE told.assessed_on END
FROM accruals AS told
LEFT JOIN (
  SELECT partner_id, obligation_key, MIN(day) AS day FROM item_steps GROUP BY partner_id, obligation_key
) AS changed ON changed.partner_id = told.partner_id AND changed.obligation_key = told.obligation_key
WHERE told.assessed_on IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM journal_entries AS entry
  WHERE entry.partner_id = told.partner_id AND entry.obligation_key = told.obligation_key AND entry.reason = 'ASSESSMENT'
);

CREATE TRIGGER item_notices_stay BEFORE UPDATE ON item_notices
BEGIN SELECT RAISE(ABORT, 'item_notices is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER item_notices_keep BEFORE DELETE ON item_notices
BEGIN SELECT RAISE(ABORT, 'item_notices is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER item_notices_once BEFORE INSERT ON item_notices
WHEN EXISTS (SELECT 1 FROM item_notices WHERE partner_id = NEW.partner_id AND obligation_key = NEW.obligation_key AND told_on = NEW.told_on)
BEGIN SELECT RAISE(ABORT, 'item_notices is a history: rows are added, never changed or removed'); END;
