-- Refuses events from the boundary on, which is three to four days ahead. Existing events are
-- compared by validate_check.sql, while writers write. So the table can become a partition at once.
-- params: none
-- index: none
-- locks: ACCESS EXCLUSIVE on runtime_events, until the transaction ends
-- returns: nothing
DO $$
BEGIN
    EXECUTE format(
        'ALTER TABLE runtime_events ADD CONSTRAINT runtime_events_boundary'
        ' CHECK (recorded_at < %L) NOT VALID',
        date_trunc('day', now(), 'UTC') + interval '4 days'
    );
END;
$$;
