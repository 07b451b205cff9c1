-- What stands for obligations from a day on, of one partner.
CREATE INDEX accruals_day ON accruals (partner_id, obligation_day);
