-- What the charge codes of a partner mean to us: one row a decision, only added to. The newest one of a code counts;
-- a row without a kind takes the one before it back.

CREATE TABLE charge_aliases (
  partner_id BIGINT NOT NULL,
  alias TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT CHECK (kind IN ('LINEHAUL', 'FUEL', 'ACCESSORIAL', 'TAX', 'NOT_CHARGEABLE', 'OTHER')),
  code TEXT,
  note TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, alias, seq),
  CHECK ((code IS NOT NULL) = (kind IS NOT NULL AND kind = 'ACCESSORIAL'))
);

-- Which codes there are, without reading every charge.
CREATE INDEX charges_code ON charges (partner_id, category, code);

-- Nobody rewrites what was decided, not even by hand.
CREATE FUNCTION charge_aliases_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'charge_aliases is a history: rows are added, never changed or removed';
END
$$;
CREATE TRIGGER charge_aliases_stay BEFORE UPDATE ON charge_aliases
FOR EACH ROW EXECUTE FUNCTION charge_aliases_refuse();
CREATE TRIGGER charge_aliases_keep BEFORE DELETE ON charge_aliases
FOR EACH ROW EXECUTE FUNCTION charge_aliases_refuse();
