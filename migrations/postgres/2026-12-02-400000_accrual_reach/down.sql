DROP INDEX accruals_day;
