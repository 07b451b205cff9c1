-- Nobody rewrites the books or the audit log, not even by hand.
CREATE FUNCTION history_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is a history: rows are added, never changed or removed', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER journal_entries_stay BEFORE UPDATE ON journal_entries
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER journal_entries_keep BEFORE DELETE ON journal_entries
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER journal_lines_stay BEFORE UPDATE ON journal_lines
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER journal_lines_keep BEFORE DELETE ON journal_lines
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER audit_log_stay BEFORE UPDATE ON audit_log
FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER audit_log_keep BEFORE DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION history_refuse();

-- TRUNCATE removes rows without a DELETE.
CREATE TRIGGER journal_entries_whole BEFORE TRUNCATE ON journal_entries
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER journal_lines_whole BEFORE TRUNCATE ON journal_lines
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER audit_log_whole BEFORE TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER contract_events_whole BEFORE TRUNCATE ON contract_events
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER negotiation_moves_whole BEFORE TRUNCATE ON negotiation_moves
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER contract_attachments_whole BEFORE TRUNCATE ON contract_attachments
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER contract_attachment_moves_whole BEFORE TRUNCATE ON contract_attachment_moves
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER contract_terms_whole BEFORE TRUNCATE ON contract_terms
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER charge_aliases_whole BEFORE TRUNCATE ON charge_aliases
FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
