DROP TABLE own_kpis;
