-- The reference before the feed: charges and events name a shipment by its reference, often without the feed.
DROP INDEX IF EXISTS shipments_key;
CREATE UNIQUE INDEX shipments_key ON shipments (partner_id, reference, source_id);
