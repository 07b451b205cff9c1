DROP TABLE freight_partners;
