-- Lets the overview add up the runs of agents from an index alone: it holds the state too, and what
-- the duration is computed from. It takes the place and the name of the index without them. Writers
-- continue while it is built. It first removes what an interrupted attempt left.
-- depends: 0003_runs_table
-- transactional: false

SET lock_timeout = '60s';

DROP FUNCTION IF EXISTS run_duration_ms(bigint, timestamptz, timestamptz);

-- In the language SQL without settings of its own, so that it becomes a part of its statement.
CREATE FUNCTION run_duration_ms(
    duration_ms bigint, start_time timestamptz, end_time timestamptz
)
RETURNS bigint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT
        CASE
            WHEN run_duration_ms.duration_ms > 0 THEN run_duration_ms.duration_ms
            WHEN
                run_duration_ms.end_time >= run_duration_ms.start_time
                AND isfinite(run_duration_ms.end_time)
                AND isfinite(run_duration_ms.start_time)
                THEN (
                    1000 * date_part('epoch', run_duration_ms.end_time - run_duration_ms.start_time)
                )::bigint
        END
$$;

-- A role that could read before still can, also where a DBA has revoked the usual right.
GRANT EXECUTE ON FUNCTION run_duration_ms(bigint, timestamptz, timestamptz) TO public;

COMMENT ON FUNCTION run_duration_ms(bigint, timestamptz, timestamptz) IS
'How long a run took: what the agent measured, else the time from start to end; NULL: unknown';

DROP INDEX CONCURRENTLY IF EXISTS ix_agent_runs_agent_name_durations;

CREATE INDEX CONCURRENTLY ix_agent_runs_agent_name_durations
ON agent_runs (agent_name, created_at DESC, event_id DESC)
INCLUDE (status, duration_ms, start_time, end_time);

DROP INDEX CONCURRENTLY IF EXISTS ix_agent_runs_agent_name_newest;

ALTER INDEX ix_agent_runs_agent_name_durations RENAME TO ix_agent_runs_agent_name_newest;

COMMENT ON INDEX ix_agent_runs_agent_name_newest IS
'sql/runs/list.sql by agent, the names in sql/runs/metadata.sql, and sql/pages/agents.sql, which '
'reads states and durations from the index alone';
