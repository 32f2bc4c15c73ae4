-- Counts the runs of a window by state and time, for the chart and the figures of the overview. The
-- window before it comes along without times, for the change from the day before. One range per
-- state, because the index that holds both state and time begins with the state: the rows
-- themselves are read only for an environment.
-- params: created_before_window (start of the window before), created_from, created_until,
-- step (width of a bar, an interval), agent_name, environment (NULL: any)
-- index: ix_agent_runs_status_created_at; by agent ix_agent_runs_agent_name_status_newest
-- locks: none
-- returns: bucket (start of a bar; NULL: before the window), status, runs
SELECT
    counted.bucket,
    state.status,
    counted.runs
FROM
    unnest(
        ARRAY['running', 'success', 'failure', 'partial', 'timeout', 'cancelled']
    ) AS state (status)
CROSS JOIN
    LATERAL (
        SELECT
            CASE
                WHEN created_at >= %(created_from)s::timestamptz
                    THEN
                        date_bin(
                            %(step)s::interval,
                            created_at,
                            timestamptz '2000-01-03 00:00:00+00'
                        )
            END AS bucket,
            count(*) AS runs
        FROM agent_runs
        WHERE
            agent_runs.status = state.status
            AND created_at >= %(created_before_window)s::timestamptz
            AND created_at < %(created_until)s::timestamptz
            AND (%(agent_name)s::text IS NULL OR agent_name = %(agent_name)s)
            AND (%(environment)s::text IS NULL OR environment = %(environment)s)
        -- Grouped by number: a column of a DBA may have the name of an output column.
        GROUP BY 1
    ) AS counted
ORDER BY 1, 2;
