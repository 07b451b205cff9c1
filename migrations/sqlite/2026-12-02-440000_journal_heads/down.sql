DROP TABLE journal_heads;
