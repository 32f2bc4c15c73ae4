-- Lets no other role put the functions that count runs behind a trigger of its own. They run with
-- the rights of their owner, and any role could make them write counts from a temporary table. The
-- triggers of agent_runs need no right.
-- depends: 0004_runs_counts

SET LOCAL lock_timeout = '5s';

REVOKE EXECUTE ON FUNCTION count_runs(), count_no_runs() FROM public;
