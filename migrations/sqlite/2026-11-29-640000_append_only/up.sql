-- Nobody rewrites the books or the audit log, not even by hand.
CREATE TRIGGER journal_entries_stay BEFORE UPDATE ON journal_entries
BEGIN SELECT RAISE(ABORT, 'journal_entries is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_entries_keep BEFORE DELETE ON journal_entries
BEGIN SELECT RAISE(ABORT, 'journal_entries is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_lines_stay BEFORE UPDATE ON journal_lines
BEGIN SELECT RAISE(ABORT, 'journal_lines is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_lines_keep BEFORE DELETE ON journal_lines
BEGIN SELECT RAISE(ABORT, 'journal_lines is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER audit_log_stay BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER audit_log_keep BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is a history: rows are added, never changed or removed'); END;

-- REPLACE removes a row without a DELETE.
CREATE TRIGGER journal_entries_once BEFORE INSERT ON journal_entries
WHEN EXISTS (SELECT 1 FROM journal_entries WHERE partner_id = NEW.partner_id AND id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'journal_entries is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER journal_lines_once BEFORE INSERT ON journal_lines
WHEN EXISTS (SELECT 1 FROM journal_lines WHERE partner_id = NEW.partner_id AND entry_id = NEW.entry_id AND line_no = NEW.line_no)
BEGIN SELECT RAISE(ABORT, 'journal_lines is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER audit_log_once BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'audit_log is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER contract_events_once BEFORE INSERT ON contract_events
WHEN EXISTS (SELECT 1 FROM contract_events WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'contract_events is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER negotiation_moves_once BEFORE INSERT ON negotiation_moves
WHEN EXISTS (SELECT 1 FROM negotiation_moves WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'negotiation_moves is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER contract_attachments_once BEFORE INSERT ON contract_attachments
WHEN EXISTS (SELECT 1 FROM contract_attachments WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'contract_attachments is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER contract_attachment_moves_once BEFORE INSERT ON contract_attachment_moves
WHEN EXISTS (SELECT 1 FROM contract_attachment_moves WHERE attachment_id = NEW.attachment_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'contract_attachment_moves is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER contract_terms_once BEFORE INSERT ON contract_terms
WHEN EXISTS (SELECT 1 FROM contract_terms WHERE contract_id = NEW.contract_id AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'contract_terms is a history: rows are added, never changed or removed'); END;
CREATE TRIGGER charge_aliases_once BEFORE INSERT ON charge_aliases
WHEN EXISTS (SELECT 1 FROM charge_aliases WHERE partner_id = NEW.partner_id AND alias = NEW.alias AND seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'charge_aliases is a history: rows are added, never changed or removed'); END;
