ALTER TABLE imports DROP COLUMN imported_by;
