-- Who ran an import. Those of before were all run from the command line.

ALTER TABLE imports ADD COLUMN imported_by TEXT NOT NULL DEFAULT 'command line';
