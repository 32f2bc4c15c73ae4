SET LOCAL lock_timeout = '5s';

COMMENT ON INDEX ix_agent_runs_agent_name_status_newest IS
'sql/runs/query_by_agent.sql, and the names in sql/runs/metadata.sql';

DROP INDEX ix_agent_runs_agent_name_newest;
