DROP TABLE stale_freight;
DROP TABLE freight_moves;
DROP TABLE freight_accruals;
