-- How many entries of each partner are sealed, so that whether anything was posted is one small read. Derived: re-performing counts
-- the seals again.
CREATE TABLE journal_heads (
  partner_id BIGINT NOT NULL PRIMARY KEY,
  sealed BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO journal_heads (partner_id, sealed) SELECT partner_id, MAX(seq) FROM journal_seals GROUP BY partner_id;
