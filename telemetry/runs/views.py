"""The HTTP side of runs."""

from functools import partial
from typing import Any, cast

from flask import Blueprint, Response, current_app

from telemetry.counters import count_batch, count_record
from telemetry.database.database import Row
from telemetry.database.errors import IntegrityViolation
from telemetry.database.values import Keyed
from telemetry.failures import Unavailable
from telemetry.http.caller import caller, needs
from telemetry.http.error_shape import problem
from telemetry.http.errors import ApiError, Invalid
from telemetry.http.request_log import request_id, set_log_message
from telemetry.http.responses import json_response
from telemetry.payloads.batch import read_batch
from telemetry.payloads.body import read_document
from telemetry.payloads.cursor import next_link, read_cursor
from telemetry.payloads.feed import FeedSchema, page_response, read_feed_query
from telemetry.payloads.loading import ignored_fields, load, load_keyed, load_row
from telemetry.payloads.query_string import read_query
from telemetry.runs import links, own_agents
from telemetry.runs.cursor import RunsEnd
from telemetry.runs.rows import ROWS
from telemetry.runs.schema import (
    DEFAULT_LIMIT,
    MAX_BATCH,
    CommitSchema,
    ListSchema,
    OutcomeSchema,
    RunSchema,
    UpdateSchema,
)
from telemetry.runs.store import Created, RunHasEnded, RunStore

# The name of the feed in its cursors.
FEED = "runs"

# A problem of these types in a query string is 400, not 422: clients of the list expect it.
BAD_REQUEST_TYPES = ("enum", "datetime_parsing")

blueprint = Blueprint("runs", __name__)

run_schema = RunSchema()
update_schema = UpdateSchema()
outcome_schema = OutcomeSchema()  # the stored fields of an update
commit_schema = CommitSchema()
list_schema = ListSchema()
feed_schema = FeedSchema()
load_run = partial(load_keyed, run_schema, key="event_id")
load_run_row = partial(load_row, run_schema, rows=ROWS)


@blueprint.post("/api/v1/runs")
@needs("runs:write")
def create() -> Response:
    """Create one run, idempotently."""
    run, ignored = load_run(read_document(), names=("run_id", "agent_name"))
    sender = caller()
    if not sender.may_report(run.values["agent_name"]):
        raise ApiError(403, f"The token is not bound to agent {run.values['agent_name']}")
    try:
        result = _store().create(run, agents=sender.agents)
    except (IntegrityViolation, Unavailable):
        raise  # every endpoint responds to these in the same way
    except Exception as error:
        raise ApiError(
            500,
            f"Failed to create run: internal error (request {request_id()})",
            log=f"[ERROR] Failed to create run: {error}",
        ) from error
    if result.outcome == "foreign":
        raise ApiError(403, f"{own_agents.FOREIGN}: {run.key}")
    differs = result.outcome == "duplicate" and bool(result.fields)
    count_record("agent_runs", result.outcome, differs=differs)
    return _created(run, result, ignored_fields(ignored))


@blueprint.post("/api/v1/runs/batch")
@needs("runs:write")
def create_batch() -> Response:
    """Create up to MAX_BATCH runs in one transaction; report the invalid ones."""
    sender = caller()
    load_record = load_run_row if sender.agents is None else own_agents.only(load_run_row, sender)
    batch = read_batch("runs", load_record, max_records=MAX_BATCH, key="event_id")
    result = _store().create_batch(batch.valid, agents=sender.agents)
    batch.add_constraint_errors(result.refused)
    own_agents.add_foreign(batch, result.foreign)
    count_batch(
        "agent_runs",
        batch.total,
        created=result.inserted,
        completed=result.completed,
        duplicate=result.duplicates,
        differing=len(result.duplicate_differs),
        refused=len(batch.errors),
    )
    batch.log(
        "runs",
        f"{result.inserted} created, {result.completed} completed, {result.duplicates} duplicates",
    )
    more = {"duplicate_differs": result.duplicate_differs} if result.duplicate_differs else {}
    return json_response(
        batch.response_body(result.inserted, result.duplicates, result.completed, **more),
        batch.status,
    )


@blueprint.get("/api/v1/runs")
@needs("runs:read")
def list() -> Response:
    """Return a page of runs, newest first."""
    filters, limit = _read_filters()
    own_agents.limit(filters, caller())
    runs, has_more = _store().list(filters, limit)
    for run in runs:
        links.add_links(run)
    link = next_link(RunsEnd(runs[-1].created_at, runs[-1].event_id)) if has_more else None
    return json_response(runs, headers={"Link": link} if link else None)


@blueprint.get("/api/v1/runs/<event_id>")
@needs("runs:read")
def get(event_id: str) -> Response:
    """Return one run."""
    return json_response(links.with_links(_find(event_id)))


@blueprint.patch("/api/v1/runs/<event_id>")
@needs("runs:write")
def update(event_id: str) -> Response:
    """Change the fields of a run that were sent."""
    changes, ignored = load(update_schema, read_document())
    reopen = changes.pop("reopen", False)
    if reopen and "end_time" in changes:
        message = "A run that is reopened has no end_time"
        raise Invalid([problem(["body", "end_time"], message, "reopened")])
    if not changes:
        raise ApiError(400, f"Nothing to update; fields: {', '.join(outcome_schema.fields)}")
    try:
        updated = _store().update(event_id, changes, reopen=reopen, agents=caller().agents)
    except RunHasEnded as ended:
        message = f"Run has ended with status {ended.status}: {event_id}"
        raise ApiError(409, f'{message}; send "reopen": true to set it to running') from ended
    if updated is None:
        raise _not_found(event_id)
    set_log_message(f"[OK] Updated run: {event_id} ({', '.join(updated)})")
    more = ignored_fields(ignored)
    return json_response({"event_id": event_id, "updated": True, "fields_updated": updated, **more})


@blueprint.post("/api/v1/runs/<event_id>/associate-commit")
@needs("runs:write")
def associate_commit(event_id: str) -> Response:
    """Store which commit the run produced."""
    commit, ignored = load(commit_schema, read_document())
    run_id = _store().associate_commit(event_id, commit, agents=caller().agents)
    if run_id is None:
        raise _not_found(event_id)
    set_log_message(f"[OK] Associated commit: {event_id} ({commit['commit_hash']})")
    more = ignored_fields(ignored)
    return json_response(
        {
            "status": "success",
            "event_id": event_id,
            "run_id": run_id,
            "commit_hash": commit["commit_hash"],
            **more,
        }
    )


@blueprint.get("/api/v1/runs/<event_id>/commit-url")
@needs("runs:read")
def get_commit_url(event_id: str) -> Response:
    """Return the link to the run's commit, or null."""
    return json_response({"commit_url": links.with_links(_find(event_id))["commit_url"]})


@blueprint.get("/api/v1/runs/<event_id>/repo-url")
@needs("runs:read")
def get_repo_url(event_id: str) -> Response:
    """Return the link to the run's repository, or null."""
    return json_response({"repo_url": links.with_links(_find(event_id))["repo_url"]})


@blueprint.get("/api/v1/metadata")
@needs("runs:read", every_agent=True)
def metadata() -> Response:
    """Return the names of all agents and job types."""
    names = _store().metadata()
    return json_response({**names, "counts": {kind: len(values) for kind, values in names.items()}})


@blueprint.get("/api/v1/feed/runs")
@needs("runs:read", every_agent=True)
def feed() -> Response:
    """Return the next changes of runs, for a follower."""
    page = _store().feed(read_feed_query(read_query(feed_schema), FEED))
    for run in page.rows:
        links.add_links(run)
    return page_response(FEED, page)


def _store() -> RunStore:
    return cast(RunStore, current_app.extensions["runs"])


def _created(run: Keyed, result: Created, more: dict[str, Any]) -> Response:
    """Return the response to a create; ``more`` are members of its body."""
    if result.outcome == "duplicate":
        set_log_message(f"[OK] Duplicate event_id (idempotent): {run.key}")
        duplicate = {
            "status": "duplicate",
            "event_id": run.key,
            "message": "Event already exists (idempotent)",
        }
        differs = {"differs": result.fields} if result.fields else {}
        return json_response({**duplicate, **differs, **more})
    names = {"event_id": run.key, "run_id": run.values["run_id"]}
    if result.outcome == "completed":
        set_log_message(f"[OK] Completed run: {run.key} (agent: {run.values['agent_name']})")
        body = {"status": "completed", **names, "fields_updated": result.fields, **more}
        return json_response(body)
    set_log_message(f"[OK] Created run: {run.key} (agent: {run.values['agent_name']})")
    return json_response({"status": "created", **names, **more}, 201)


def _read_filters() -> tuple[dict[str, Any], int]:
    """Return the parameters of ``sql/runs/list.sql`` for this request, and the limit of its page.

    Raises ApiError 400 for a bad status or timestamp, Invalid for anything else.
    """
    try:
        query = read_query(list_schema)
    except Invalid as invalid:
        bad = [it for it in invalid.problems if it["type"] in BAD_REQUEST_TYPES]
        if bad:
            detail = "; ".join(f"Invalid {it['loc'][-1]}: {it['msg']}" for it in bad)
            raise ApiError(400, detail) from invalid
        raise
    limit = query.pop("limit", DEFAULT_LIMIT)
    offset = query.pop("offset", 0)
    end = read_cursor(query.pop("cursor", None), RunsEnd)
    return {
        **dict.fromkeys(list_schema.fields.keys() - {"limit", "offset", "cursor"}),
        **query,
        "cursor_created_at": end.created_at if end else None,
        "cursor_event_id": end.event_id if end else None,
        "row_offset": offset,
    }, limit


def _find(event_id: str) -> Row:
    run = _store().get(event_id, agents=caller().agents)
    if run is None:
        raise _not_found(event_id)
    return run


def _not_found(event_id: str) -> ApiError:
    return ApiError(404, f"Run not found: {event_id}")
