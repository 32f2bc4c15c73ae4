"""The description of the endpoints of runs."""

from telemetry.openapi.common import (
    FEED_AFTER,
    FEED_LIMIT,
    batch_replies,
    error,
    feed_cursor,
    lines,
)
from telemetry.openapi.operation import Body, Operation, Parameter, Reply
from telemetry.openapi.shapes import COUNT, IGNORED, LINK, TEXT, array, feed_of, members, one_of
from telemetry.payloads.cursor import encode_cursor
from telemetry.payloads.feed import FeedSchema
from telemetry.runs.cursor import RunsEnd
from telemetry.runs.openapi_fields import MEANINGS
from telemetry.runs.openapi_shapes import (
    BATCH,
    NAMES,
    OF_BATCH,
    REFUSED,
    RUN,
    SENT,
    SENT_AGAIN,
    STORED,
    UPDATED,
)
from telemetry.runs.schema import (
    DEFAULT_LIMIT,
    CommitSchema,
    ListSchema,
    RunSchema,
    UpdateSchema,
)

TAG = "What agents did: one row per run, created once and updated while the run is in progress"

__all__ = ["MEANINGS", "OPERATIONS", "PARAMETERS", "TAG"]

PARAMETERS = {
    "event_id": Parameter("The id that the agent chose for the run", "first-run"),
    "agent_name": Parameter("Only runs of this agent", "my-agent"),
    "status": Parameter("Only runs with this status; aliases are accepted too", "success"),
    "job_type": Parameter("Only runs of this kind of work", "demo"),
    "run_id": Parameter("Only runs with this run_id", "run-1"),
    "parent_run_id": Parameter("Only runs that this run started", "run-0"),
    "stale": Parameter("Only runs that are stale (true), or only others (false)", False),
    "created_before": Parameter("Only runs created before this time", "2026-02-01T00:00:00Z"),
    "created_after": Parameter("Only runs created after this time", "2026-01-01"),
    "start_time_from": Parameter("Only runs that started then or later", "2026-01-01"),
    "start_time_to": Parameter("Only runs that started then or earlier", "2026-02-01"),
    "limit": Parameter("How many runs a page holds", 100, DEFAULT_LIMIT),
    "feed.limit": FEED_LIMIT,
    "feed.after": FEED_AFTER,
    "offset": Parameter("How many runs to skip; a cursor is better for deep pages", 0, 0),
    "cursor": Parameter(
        "Comes from the Link header of the page before",
        encode_cursor(RunsEnd(STORED["created_at"], STORED["event_id"])),
    ),
}

OPERATIONS = {
    "create": Operation(
        "Create a run",
        {
            201: Reply(
                "The run is new",
                members(
                    sometimes={"ignored_fields"},
                    status=one_of("created"),
                    event_id=TEXT,
                    run_id=TEXT,
                    ignored_fields=IGNORED,
                ),
                {"status": "created", "event_id": "first-run", "run_id": "run-1"},
            ),
            200: Reply(
                "The event_id is known: a record that has ended completed the run, or the record"
                " is a duplicate, which may differ",
                members(
                    sometimes={"run_id", "message", "fields_updated", "differs", "ignored_fields"},
                    status=one_of("completed", "duplicate"),
                    event_id=TEXT,
                    run_id=TEXT,
                    message=TEXT,
                    fields_updated=NAMES,
                    differs=NAMES,
                    ignored_fields=IGNORED,
                ),
                {
                    "status": "duplicate",
                    "event_id": "first-run",
                    "message": "Event already exists (idempotent)",
                },
            ),
        },
        description="Idempotent on event_id. A run only moves forward: a record that is running"
        " never undoes an end.",
        body=Body(RunSchema, SENT),
    ),
    "create_batch": Operation(
        "Create up to 10,000 runs",
        batch_replies(
            "run",
            OF_BATCH,
            {"inserted": 1, "duplicates": 1, "completed": 0, "errors": [], "total": 2},
            REFUSED,
        ),
        description="Valid runs are stored in one transaction. A bad record blocks no other.",
        body=Body(BATCH, {"runs": SENT_AGAIN}, lines(SENT_AGAIN)),
    ),
    "list": Operation(
        "List runs, newest first",
        {
            200: Reply("A page of runs", array(RUN), [STORED], ("Link",)),
            400: error("A bad status or timestamp", "Invalid status: Must be one of: running, …"),
        },
        query=ListSchema,
    ),
    "get": Operation("Get a run", {200: Reply("The run", RUN, STORED)}, path=RunSchema),
    "update": Operation(
        "Update a run",
        {
            200: Reply(
                "The run was updated",
                UPDATED,
                {
                    "event_id": "first-run",
                    "updated": True,
                    "fields_updated": ["status", "items_succeeded"],
                },
            ),
            400: error(
                "Nothing to update, or a constraint of the database refused the change",
                "Nothing to update; fields: status, end_time, duration_ms, …",
            ),
            409: error(
                "The run has ended and would be running again",
                'Run has ended with status success: first-run; send "reopen": true to set it to'
                " running",
            ),
        },
        description="Replaces metrics_json and context_json as a whole.",
        path=RunSchema,
        body=Body(UpdateSchema, {"status": "success", "items_succeeded": 4}),
    ),
    "associate_commit": Operation(
        "Store the commit that a run produced",
        {
            200: Reply(
                "The commit was stored",
                members(
                    sometimes={"ignored_fields"},
                    status=one_of("success"),
                    event_id=TEXT,
                    run_id=TEXT,
                    commit_hash=TEXT,
                    ignored_fields=IGNORED,
                ),
                {
                    "status": "success",
                    "event_id": "first-run",
                    "run_id": "run-1",
                    "commit_hash": "abcdef0123",
                },
            )
        },
        path=RunSchema,
        body=Body(CommitSchema, {"commit_hash": "abcdef0123", "commit_source": "ci"}),
    ),
    "get_commit_url": Operation(
        "Get the link to a run's commit",
        {
            200: Reply(
                "The link; null without a commit or a known host",
                members(commit_url=LINK),
                {"commit_url": "https://github.com/owner/name/commit/abcdef0123"},
            )
        },
        path=RunSchema,
    ),
    "get_repo_url": Operation(
        "Get the link to a run's repository",
        {
            200: Reply(
                "The link; null without a known host",
                members(repo_url=LINK),
                {"repo_url": "https://github.com/owner/name"},
            )
        },
        path=RunSchema,
    ),
    "feed": Operation(
        "Follow the runs: each appears once it is visible, and again after a change",
        {
            200: Reply(
                "A page of runs, oldest change first, and the cursor after it",
                feed_of(RUN),
                {"items": [STORED], "next": feed_cursor("runs"), "has_more": False},
            )
        },
        query=FeedSchema,
    ),
    "metadata": Operation(
        "List all agents and job types",
        {
            200: Reply(
                "The names, sorted",
                members(
                    agent_names=NAMES,
                    job_types=NAMES,
                    counts=members(agent_names=COUNT, job_types=COUNT),
                ),
                {
                    "agent_names": ["my-agent"],
                    "job_types": ["demo"],
                    "counts": {"agent_names": 1, "job_types": 1},
                },
            )
        },
    ),
}
