-- Freight that was delivered and is not billed: what stands for each shipment, what each entry about it is made of, and the
-- days of partners that wait to be looked at again.

CREATE TABLE freight_accruals (
  partner_id BIGINT NOT NULL REFERENCES partners (id),
  obligation_day INTEGER NOT NULL,
  shipment_id BIGINT NOT NULL,
  contract_version_id BIGINT NOT NULL,
  delivered_on INTEGER NOT NULL,
  currency TEXT NOT NULL,
  base_micros BIGINT NOT NULL,
  fuel_micros BIGINT NOT NULL,
  accessorial_micros BIGINT NOT NULL,
  tax_micros BIGINT NOT NULL,
  PRIMARY KEY (partner_id, obligation_day, shipment_id)
) WITHOUT ROWID;
CREATE INDEX freight_accruals_delivered ON freight_accruals (partner_id, delivered_on);

CREATE TABLE freight_moves (
  partner_id BIGINT NOT NULL,
  entry_id BIGINT NOT NULL,
  obligation_day INTEGER NOT NULL,
  shipment_id BIGINT NOT NULL,
  part TEXT NOT NULL CHECK (part IN ('LINEHAUL', 'FUEL', 'ACCESSORIAL', 'TAX')),
  why TEXT NOT NULL CHECK (why IN ('DELIVERED', 'PRICE', 'BILLED', 'LAPSED', 'GONE')),
  amount_micros BIGINT NOT NULL CHECK (amount_micros <> 0),
  PRIMARY KEY (partner_id, entry_id, obligation_day, shipment_id, part)
) WITHOUT ROWID;

CREATE TABLE stale_freight (
  partner_id BIGINT NOT NULL,
  obligation_day INTEGER NOT NULL,
  PRIMARY KEY (partner_id, obligation_day)
);

CREATE TRIGGER freight_moves_stay BEFORE UPDATE ON freight_moves
BEGIN SELECT RAISE(ABORT, 'freight_moves is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER freight_moves_keep BEFORE DELETE ON freight_moves
BEGIN SELECT RAISE(ABORT, 'freight_moves is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER freight_moves_once BEFORE INSERT ON freight_moves
WHEN EXISTS (SELECT 1 FROM freight_moves WHERE partner_id = NEW.partner_id AND entry_id = NEW.entry_id AND obligation_day = NEW.obligation_day AND shipment_id = NEW.shipment_id AND part = NEW.part)
BEGIN SELECT RAISE(ABORT, 'freight_moves is a history: rows are added, never changed or removed'); END;
