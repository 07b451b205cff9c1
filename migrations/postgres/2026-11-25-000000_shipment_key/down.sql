DROP INDEX IF EXISTS shipments_key;
CREATE UNIQUE INDEX shipments_key ON shipments (partner_id, source_id, reference);
