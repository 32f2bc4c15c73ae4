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
-- Each role that writes to distributed tables looks here when it connects.
GRANT SELECT ON sequences_checked TO public;

CREATE OR REPLACE FUNCTION mark_sequences_checked() RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
INSERT INTO sequences_checked (checked_at) VALUES (clock_timestamp())
ON CONFLICT (checked_at) DO NOTHING;
$$;
COMMENT ON FUNCTION mark_sequences_checked()
IS 'Records that the sequences are above the rows of all workers, until the next crash';

DO $$
DECLARE
    owner regrole := (SELECT relowner FROM pg_class WHERE oid = 'agent_runs'::regclass);
BEGIN
    EXECUTE format('ALTER TABLE sequences_checked OWNER TO %s', owner);
    EXECUTE format('ALTER FUNCTION mark_sequences_checked() OWNER TO %s', owner);
END
$$;
