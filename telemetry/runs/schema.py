"""The payloads and query strings of runs."""

from telemetry.payloads.fields import (
    Choice,
    Identifier,
    Integer,
    JsonObject,
    NumericFlag,
    Text,
    Timestamp,
)
from telemetry.payloads.loading import PayloadSchema
from telemetry.payloads.query_string import Moment, Switch, WholeNumber

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_BATCH = 10_000

STATUSES = ("running", "success", "failure", "partial", "timeout", "cancelled")
STATUS_ALIASES = {"failed": "failure", "completed": "success", "succeeded": "success"}
COMMIT_SOURCES = ("manual", "llm", "ci")


class OutcomeSchema(PayloadSchema):
    """The fields that may change while a run is in progress."""

    status = Choice(STATUSES, STATUS_ALIASES)
    end_time = Timestamp()
    duration_ms = Integer(min=0)
    error_summary = Text()
    error_details = Text()
    output_summary = Text()
    items_discovered = Integer(min=0)
    items_succeeded = Integer(min=0)
    items_failed = Integer(min=0)
    items_skipped = Integer(min=0)
    metrics_json = JsonObject()
    context_json = JsonObject()
    git_commit_source = Choice(COMMIT_SOURCES)
    git_commit_author = Text()
    git_commit_timestamp = Timestamp()


class UpdateSchema(OutcomeSchema):
    """The body of PATCH."""

    reopen = NumericFlag()


class RunSchema(OutcomeSchema):
    """A run as an agent posts it."""

    event_id = Identifier(required=True)
    run_id = Text(required=True, min=1, max=255, blank=False)
    agent_name = Text(required=True, min=1, max=255, blank=False)
    job_type = Text(required=True, min=1, max=255, blank=False)
    start_time = Timestamp(required=True)
    created_at = Timestamp()
    product = Text()
    product_family = Text()
    platform = Text()
    subdomain = Text()
    website = Text()
    website_section = Text()
    item_name = Text()
    git_repo = Text()
    git_branch = Text()
    git_commit_hash = Text()
    git_run_tag = Text()
    input_summary = Text()
    source_ref = Text()
    target_ref = Text()
    host = Text()
    environment = Text()
    trigger_type = Text()
    insight_id = Text()
    parent_run_id = Text()
    api_posted = NumericFlag()
    api_posted_at = Timestamp()
    api_retry_count = Integer(min=0)


class CommitSchema(PayloadSchema):
    """The commit that a run produced."""

    commit_hash = Text(required=True, min=7, max=64, blank=False)
    commit_source = Choice(COMMIT_SOURCES, required=True)
    commit_author = Text()
    commit_timestamp = Timestamp()


class ListSchema(PayloadSchema):
    """The query string of the list of runs."""

    agent_name = Text()
    status = Choice(STATUSES, STATUS_ALIASES)
    job_type = Text()
    run_id = Text()
    parent_run_id = Text()
    created_before = Moment()
    created_after = Moment()
    start_time_from = Moment()
    start_time_to = Moment()
    stale = Switch()
    limit = WholeNumber(min=1, max=MAX_LIMIT)
    offset = WholeNumber(min=0, max=2**62)
    cursor = Text()
