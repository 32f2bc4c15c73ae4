-- A publication refuses to delete rows that have neither a primary key nor a replica identity, and
-- the counts of runs delete rows now and then. A key would cost every create an index entry; the
-- whole row as identity costs nothing until rows are published.
-- depends: 0004_runs_counts

SET LOCAL lock_timeout = '5s';

ALTER TABLE agent_run_count_changes REPLICA IDENTITY FULL;
