DROP TABLE contract_attachment_moves;
DROP TABLE contract_attachments;
