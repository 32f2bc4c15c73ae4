-- Counts the runs that were there before 0010_runs_counts. A migration of its own: writers,
-- who had to wait for the triggers of that one, need not wait for this, which reads them all.
-- depends: 0010_runs_counts

SET LOCAL lock_timeout = '5s';

DO $$
BEGIN
    PERFORM recount_agent_runs();
END;
$$;
