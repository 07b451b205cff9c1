-- Results stored until now claim differences over shipments that only one side prices. They are worked out again when
-- somebody asks.
UPDATE backtests SET state = 'FAILED', result = '',
    error = 'This result is from before differences left out shipments that only one side prices. Replay it again.'
WHERE state = 'DONE';
