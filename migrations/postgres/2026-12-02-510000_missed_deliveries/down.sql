DROP INDEX shipments_missed;
