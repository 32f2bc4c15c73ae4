SET LOCAL lock_timeout = '5s';

DROP VIEW telemetry_views.runs;

DROP FUNCTION telemetry_views.commit_url(text, text);

DROP FUNCTION telemetry_views.repo_url(text);

DROP FUNCTION telemetry_views.percent_encoded(text);

DROP FUNCTION telemetry_views.git_repository(text);

DROP SCHEMA telemetry_views;
