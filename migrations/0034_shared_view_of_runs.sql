-- A schema of views for people with SQL or a BI tool, and the view of runs.
-- sql/roles/analyst.sql grants them. This view runs with the rights of its owner, so its readers
-- need none on the table.
-- Every name is written with its table: a DBA may have added a column of any name.
-- depends: 0029_runs_index_agent_durations

SET LOCAL lock_timeout = '5s';

CREATE SCHEMA telemetry_views;

COMMENT ON SCHEMA telemetry_views IS
'Read-only views for analysts; sql/roles/analyst.sql grants them';

-- The rules of telemetry/git_links.py. A link is built from parts of a fixed alphabet alone, so it
-- is never anything but https. In plpgsql, because a function in SQL with a query of its own takes
-- ten times as long for each row.

CREATE FUNCTION telemetry_views.git_repository(git_repo text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    url text COLLATE "C" := btrim(git_repo, E' \t\n\r\f\v');
    parts text[];
    path text COLLATE "C";
BEGIN
    IF length(url) > 2000 THEN
        RETURN NULL;
    ELSIF strpos(url, '://') > 0 THEN
        parts := regexp_match(
            url,
            '^(?:https?|ssh|git)://(?:[^/?#]*@)?(?:www\.)?'
            '(github\.com|gitlab\.com|bitbucket\.org)(?::[^/?#@]*)?(/[^?#]*)',
            'i'
        );
    ELSE
        parts := regexp_match(
            url,
            '^(?:[!-.0-?A-~]+@)?(?:www\.)?(github\.com|gitlab\.com|bitbucket\.org):([^/].*)$',
            'i'
        );
    END IF;
    path := rtrim(regexp_replace(btrim(parts[2], '/'), '\.git$', ''), '/');
    IF
        path ~ '^[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)+$'
        AND strpos('/' || path || '/', '/../') = 0
    THEN
        RETURN lower(parts[1]) || '/' || path;
    END IF;
    RETURN NULL;
END;
$$;

CREATE FUNCTION telemetry_views.percent_encoded(plain text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT
        string_agg(
            CASE
                WHEN letter.single COLLATE "C" ~ '^[A-Za-z0-9_.~-]$' THEN letter.single
                ELSE
                    regexp_replace(
                        upper(encode(convert_to(letter.single, 'UTF8'), 'hex')), '(..)', '%\1', 'g'
                    )
            END,
            ''
            ORDER BY letter.place
        )
    FROM string_to_table(percent_encoded.plain, NULL) WITH ORDINALITY AS letter (single, place)
);

CREATE FUNCTION telemetry_views.repo_url(git_repo text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'https://' || telemetry_views.git_repository(repo_url.git_repo);

CREATE FUNCTION telemetry_views.commit_url(git_repo text, commit_hash text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    repository text := telemetry_views.git_repository(git_repo);
    path text := CASE split_part(repository, '/', 1)
        WHEN 'github.com' THEN '/commit/'
        WHEN 'gitlab.com' THEN '/-/commit/'
        ELSE '/commits/'
    END;
BEGIN
    IF repository IS NULL OR commit_hash = '' THEN
        RETURN NULL;
    ELSIF commit_hash COLLATE "C" ~ '^[A-Za-z0-9]+$' THEN
        RETURN 'https://' || repository || path || commit_hash;
    END IF;
    RETURN 'https://' || repository || path || telemetry_views.percent_encoded(commit_hash);
END;
$$;

GRANT EXECUTE ON FUNCTION telemetry_views.git_repository(text) TO public;
GRANT EXECUTE ON FUNCTION telemetry_views.percent_encoded(text) TO public;
GRANT EXECUTE ON FUNCTION telemetry_views.repo_url(text) TO public;
GRANT EXECUTE ON FUNCTION telemetry_views.commit_url(text, text) TO public;

COMMENT ON FUNCTION telemetry_views.git_repository(text) IS
'Host and path of a repository on GitHub, GitLab or Bitbucket, such as github.com/owner/name; '
'NULL: '
'any other';
COMMENT ON FUNCTION telemetry_views.percent_encoded(text) IS
'A text as a part of a URL''s path: all but letters, digits, and _ . ~ - as %XX';
COMMENT ON FUNCTION telemetry_views.repo_url(text) IS
'Link to a repository, as the API gives it; NULL: its host is not known';
COMMENT ON FUNCTION telemetry_views.commit_url(text, text) IS
'Link to a commit, as the API gives it; NULL: no commit, or the host is not known';
-- PostgreSQL would pass writes on to the only table of a view. The join prevents that, and costs
-- nothing.
CREATE VIEW telemetry_views.runs AS
SELECT
    run.event_id,
    run.run_id,
    run.parent_run_id,
    run.agent_name,
    run.job_type,
    run.status,
    (run.status = 'running' AND run.updated_at < now() - setting.stale_after) AS stale,
    run.created_at,
    run.updated_at,
    run.start_time,
    run.end_time,
    run_duration_ms(run.duration_ms, run.start_time, run.end_time) AS duration_ms,
    run.items_discovered,
    run.items_succeeded,
    run.items_failed,
    run.items_skipped,
    run.product,
    run.product_family,
    run.platform,
    run.subdomain,
    run.website,
    run.website_section,
    run.item_name,
    run.git_repo,
    run.git_branch,
    run.git_commit_hash,
    run.git_run_tag,
    run.git_commit_source,
    run.git_commit_author,
    run.git_commit_timestamp,
    telemetry_views.repo_url(run.git_repo) AS repo_url,
    telemetry_views.commit_url(run.git_repo, run.git_commit_hash) AS commit_url,
    run.input_summary,
    run.output_summary,
    run.source_ref,
    run.target_ref,
    run.error_summary,
    run.error_details,
    run.host,
    run.environment,
    run.trigger_type,
    run.metrics_json,
    run.context_json,
    run.insight_id,
    run.api_posted,
    run.api_posted_at,
    run.api_retry_count
FROM agent_runs AS run
CROSS JOIN (
    SELECT
        coalesce(nullif(current_setting('telemetry.stale_after', TRUE), ''), '1h')::interval
            AS stale_after
) AS setting;

COMMENT ON VIEW telemetry_views.runs IS
'What agents did: one row per run. Filter by created_at, with agent_name or status where you can: '
'these have indexes';
COMMENT ON COLUMN telemetry_views.runs.event_id IS 'Names the run; chosen by the agent';
COMMENT ON COLUMN telemetry_views.runs.run_id IS 'The agent''s own name for the run; not unique';
COMMENT ON COLUMN telemetry_views.runs.parent_run_id IS 'run_id of the run that started this one';
COMMENT ON COLUMN telemetry_views.runs.agent_name IS 'The program that did the work';
COMMENT ON COLUMN telemetry_views.runs.job_type IS 'Kind of work, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.status IS
'running, success, failure, partial, timeout or cancelled';
COMMENT ON COLUMN telemetry_views.runs.stale IS
'Whether the run is running and nothing was received about it for the setting '
'telemetry.stale_after (1h unless it is set), as the service''s TELEMETRY_STALE_AFTER';
COMMENT ON COLUMN telemetry_views.runs.created_at IS
'As sent by the agent; if it sent none, when the run was stored';
COMMENT ON COLUMN telemetry_views.runs.updated_at IS
'When the row last changed, by this database''s clock';
COMMENT ON COLUMN telemetry_views.runs.start_time IS 'When the run began, by the agent''s clock';
COMMENT ON COLUMN telemetry_views.runs.end_time IS 'When the run ended, by the agent''s clock';
COMMENT ON COLUMN telemetry_views.runs.duration_ms IS
'Milliseconds: what the agent measured, else the time from start to end; NULL: unknown';
COMMENT ON COLUMN telemetry_views.runs.items_discovered IS 'Items that the run found to work on';
COMMENT ON COLUMN telemetry_views.runs.items_succeeded IS 'Items that were completed';
COMMENT ON COLUMN telemetry_views.runs.items_failed IS 'Items that were tried and failed';
COMMENT ON COLUMN telemetry_views.runs.items_skipped IS 'Items that were left out on purpose';
COMMENT ON COLUMN telemetry_views.runs.product IS 'What the run worked for, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.product_family IS
'The group of products that the product belongs to';
COMMENT ON COLUMN telemetry_views.runs.platform IS
'The platform of the product, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.subdomain IS 'Part of the host name, such as docs';
COMMENT ON COLUMN telemetry_views.runs.website IS
'Host name of the website that the run worked on';
COMMENT ON COLUMN telemetry_views.runs.website_section IS
'Part of that website, such as docs or blog';
COMMENT ON COLUMN telemetry_views.runs.item_name IS
'The one thing that the run worked on, such as a file or a page';
COMMENT ON COLUMN telemetry_views.runs.git_repo IS 'The repository, as the agent sent it';
COMMENT ON COLUMN telemetry_views.runs.git_branch IS 'Branch of that repository';
COMMENT ON COLUMN telemetry_views.runs.git_commit_hash IS
'The commit that the run produced, in full or cut';
COMMENT ON COLUMN telemetry_views.runs.git_run_tag IS
'Tag that the agent put on the run''s commits';
COMMENT ON COLUMN telemetry_views.runs.git_commit_source IS
'Who made the commit: manual, llm or ci';
COMMENT ON COLUMN telemetry_views.runs.git_commit_author IS
'Author of that commit, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.git_commit_timestamp IS 'When that commit was made';
COMMENT ON COLUMN telemetry_views.runs.repo_url IS
'Link to the repository; NULL: it is not on GitHub, GitLab or Bitbucket';
COMMENT ON COLUMN telemetry_views.runs.commit_url IS
'Link to the commit; NULL: no commit, or as repo_url';
COMMENT ON COLUMN telemetry_views.runs.input_summary IS
'What the run was given, for people to read';
COMMENT ON COLUMN telemetry_views.runs.output_summary IS
'What the run produced, for people to read';
COMMENT ON COLUMN telemetry_views.runs.source_ref IS 'What the run read from';
COMMENT ON COLUMN telemetry_views.runs.target_ref IS 'What the run wrote to';
COMMENT ON COLUMN telemetry_views.runs.error_summary IS
'What went wrong, in a line; error_details has the rest';
COMMENT ON COLUMN telemetry_views.runs.error_details IS 'Long text, such as a traceback';
COMMENT ON COLUMN telemetry_views.runs.host IS
'The machine that the run ran on, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.environment IS
'The deployment that the run ran in, such as production, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.trigger_type IS
'What started the run, in the agent''s words';
COMMENT ON COLUMN telemetry_views.runs.metrics_json IS 'Object of measurements, in any shape';
COMMENT ON COLUMN telemetry_views.runs.context_json IS
'Object about the run''s surroundings, in any shape';
COMMENT ON COLUMN telemetry_views.runs.insight_id IS 'The insight that led to the run';
COMMENT ON COLUMN telemetry_views.runs.api_posted IS
'Whether the agent has also posted the run to another API';
COMMENT ON COLUMN telemetry_views.runs.api_posted_at IS 'When the agent posted it there';
COMMENT ON COLUMN telemetry_views.runs.api_retry_count IS
'How many times the agent retried that post';
