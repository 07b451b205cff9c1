DROP TABLE item_notices;
