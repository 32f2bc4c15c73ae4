-- Counts the runs of a window by state and time, for the chart and the figures of the overview. The
-- window before it comes along without times, for the change from the day before. Each bar of each
-- state is one range of the index that holds both state and time, and counted from the index alone:
-- to place every run in its bar takes twice as long. The runs themselves are read only for an
-- environment.
-- params: created_before_window (start of the window before), created_from, created_until,
-- step (width of a bar, an interval), statuses (array), agent_name, environment (NULL: any)
-- index: ix_agent_runs_status_created_at; by agent ix_agent_runs_agent_name_status_newest
-- locks: none
-- returns: bucket (start of a bar in the window; NULL: before the window), status, runs; no row
-- for a count of 0
SELECT
    bar.bucket,
    state.status,
    count(*) AS runs
FROM
    unnest(%(statuses)s::text[]) AS state (status)
CROSS JOIN
    (
        SELECT
            NULL::timestamptz AS bucket,
            %(created_before_window)s::timestamptz AS created_from,
            %(created_from)s::timestamptz AS created_until
        UNION ALL
        SELECT
            greatest(starts, %(created_from)s::timestamptz) AS bucket,
            greatest(starts, %(created_from)s::timestamptz) AS created_from,
            least(
                starts + %(step)s::interval, %(created_until)s::timestamptz
            ) AS created_until
        FROM
            generate_series(
                date_bin(
                    %(step)s::interval,
                    %(created_from)s::timestamptz,
                    timestamptz '2000-01-03 00:00:00+00'
                ),
                %(created_until)s::timestamptz,
                %(step)s::interval
            ) AS starts
    ) AS bar
INNER JOIN agent_runs
    ON
        state.status = agent_runs.status
        AND bar.created_from <= agent_runs.created_at
        AND bar.created_until > agent_runs.created_at
WHERE
    (%(agent_name)s::text IS NULL OR agent_runs.agent_name = %(agent_name)s)
    AND (%(environment)s::text IS NULL OR agent_runs.environment = %(environment)s)
GROUP BY bar.bucket, state.status
ORDER BY bar.bucket, state.status;
