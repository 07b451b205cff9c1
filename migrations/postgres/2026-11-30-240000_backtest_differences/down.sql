-- What was said of old results stays true: there is nothing to take back.
SELECT 1;
