"""The JSON Schemas of runs and of the responses about them, with examples."""

from typing import Any

from telemetry.openapi.shapes import (
    COUNT,
    FLAG,
    IGNORED,
    LINK,
    TEXT,
    TIMESTAMP,
    array,
    batch,
    batch_of,
    members,
    one_of,
    stored,
)
from telemetry.runs.schema import MAX_BATCH, STATUSES, RunSchema

SENT: dict[str, Any] = {
    "event_id": "first-run",
    "run_id": "run-1",
    "agent_name": "my-agent",
    "job_type": "demo",
    "start_time": "2026-01-31T12:00:00Z",
    "git_repo": "git@github.com:owner/name.git",
    "metrics_json": {"cost_usd": 0.42},
}
# The batch repeats the run before, and has one more.
SENT_AGAIN: list[dict[str, Any]] = [
    SENT,
    {
        "event_id": "second-run",
        "run_id": "run-2",
        "agent_name": "my-agent",
        "job_type": "demo",
        "start_time": "2026-01-31T12:10:00Z",
    },
]

# The fields that always have a value.
ALWAYS = {
    "event_id",
    "run_id",
    "agent_name",
    "job_type",
    "status",
    "created_at",
    "start_time",
    "duration_ms",
    "items_discovered",
    "items_succeeded",
    "items_failed",
    "items_skipped",
    "api_posted",
    "api_retry_count",
}

RUN = stored(
    RunSchema,
    ALWAYS,
    status=one_of(*STATUSES),
    updated_at=TIMESTAMP,
    stale=FLAG,
    commit_url=LINK,
    repo_url=LINK,
)
STORED = {
    **dict.fromkeys(RunSchema().fields),
    **SENT,
    **{name: 0 for name in ALWAYS if name.startswith(("items_", "duration", "api_retry"))},
    "status": "running",
    "start_time": "2026-01-31T12:00:00.000000Z",
    "created_at": "2026-01-31T12:00:00.123456Z",
    "updated_at": "2026-01-31T12:00:00.123456Z",
    "api_posted": False,
    "stale": False,
    "commit_url": None,
    "repo_url": "https://github.com/owner/name",
}

NAMES = array(TEXT)
UPDATED = members(
    sometimes={"ignored_fields"},
    event_id=TEXT,
    updated={"type": "boolean", "enum": [True]},
    fields_updated=NAMES,
    ignored_fields=IGNORED,
)
OF_BATCH = batch("event_id", completed=COUNT, duplicate_differs=NAMES, ignored_fields=IGNORED)
BATCH = batch_of("runs", RunSchema, MAX_BATCH)
REFUSED = {
    "inserted": 0,
    "duplicates": 0,
    "completed": 0,
    "errors": [
        {
            "index": 0,
            "event_id": "third-run",
            "detail": [{"loc": ["body", 0, "run_id"], "msg": "Field required", "type": "missing"}],
        }
    ],
    "total": 1,
}
