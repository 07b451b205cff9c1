-- The contract's own part as it was written down each time: what was known of it at any moment. No foreign keys: it is a
-- history.

CREATE TABLE contract_terms (
  contract_id BIGINT NOT NULL,
  seq INTEGER NOT NULL,
  partner_id BIGINT NOT NULL,
  recorded_at INTEGER NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('WRITTEN', 'TAKEN_OVER')),
  number TEXT NOT NULL,
  title TEXT NOT NULL,
  currency TEXT NOT NULL,
  term_start INTEGER NOT NULL,
  term_end INTEGER NOT NULL,
  renewal TEXT NOT NULL,
  renewal_months INTEGER NOT NULL,
  notice_days INTEGER NOT NULL,
  status TEXT NOT NULL,
  PRIMARY KEY (contract_id, seq)
);

-- What is there already is taken over as it is: what stood before was not kept.
INSERT INTO contract_terms
SELECT id, 1, partner_id, created_at, 'TAKEN_OVER', number, title, currency, term_start, term_end, renewal, renewal_months, notice_days, status
FROM contracts;

CREATE TRIGGER contract_terms_stay BEFORE UPDATE ON contract_terms
BEGIN SELECT RAISE(ABORT, 'contract_terms is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER contract_terms_keep BEFORE DELETE ON contract_terms
BEGIN SELECT RAISE(ABORT, 'contract_terms is a history: rows are added, never changed or removed'); END;
