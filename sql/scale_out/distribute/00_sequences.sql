-- Makes the mark that the sequences are above the rows of all workers. A crash or a failover of the
-- coordinator empties an unlogged table. After that, its sequences may have forgotten numbers that
-- rows on a worker have: a write to one shard commits there before the coordinator has flushed what
-- its sequences gave. The first to connect makes up for them (database/draw_numbers.sql).
-- params: none
-- index: none
-- locks: none
-- returns: nothing

CREATE UNLOGGED TABLE IF NOT EXISTS sequences_checked (checked_at timestamptz PRIMARY KEY);
COMMENT ON TABLE sequences_checked
IS 'Empty since the last crash of this server, until its sequences were compared with all workers';
COMMENT ON COLUMN sequences_checked.checked_at IS 'When a connection has compared them';
DO $$
BEGIN
    EXECUTE format(
        'ALTER TABLE sequences_checked OWNER TO %s',
        (SELECT relowner::regrole FROM pg_class WHERE oid = 'agent_runs'::regclass)
    );
END
$$;
-- A role that writes to distributed tables connects, and so looks here.
GRANT SELECT, INSERT ON sequences_checked TO public;
