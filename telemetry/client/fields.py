"""The fields of runs and events as the API names them, with their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict, Union

Status = Literal["running", "success", "failure", "partial", "timeout", "cancelled"]
CommitSource = Literal["manual", "llm", "ci"]
EventSource = Literal["api", "web", "web_api", "worker"]
Scalar = Union[str, int, float, bool, None]

STATUSES = frozenset({"running", "success", "failure", "partial", "timeout", "cancelled"})
STATUS_ALIASES = {
    "failed": "failure",
    "completed": "success",
    "succeeded": "success",
    "canceled": "cancelled",
}


class OutcomeFields(TypedDict, total=False):
    """What a run may report while it is in progress, and when it ends."""

    items_discovered: int
    items_succeeded: int
    items_failed: int
    items_skipped: int
    output_summary: str | None
    error_summary: str | None
    error_details: str | None
    metrics_json: Mapping[str, Any] | str | None
    context_json: Mapping[str, Any] | str | None
    git_commit_source: CommitSource | None
    git_commit_author: str | None
    git_commit_timestamp: str | None


class RunFields(OutcomeFields, total=False):
    """Every field that a run can have beyond its name, its job and its trigger."""

    product: str | None
    product_family: str | None
    platform: str | None
    subdomain: str | None
    website: str | None
    website_section: str | None
    item_name: str | None
    git_repo: str | None
    git_branch: str | None
    git_commit_hash: str | None
    git_run_tag: str | None
    input_summary: str | None
    source_ref: str | None
    target_ref: str | None
    host: str | None
    environment: str | None
    insight_id: str | None
    parent_run_id: str | None
    agent_owner: str | None


class StartFields(RunFields, total=False):
    """The fields with which a run may start."""

    event_id: str
    run_id: str


INTEGERS = frozenset(
    {
        "items_discovered",
        "items_succeeded",
        "items_failed",
        "items_skipped",
        "duration_ms",
        "api_retry_count",
    }
)
OBJECTS = frozenset({"metrics_json", "context_json"})
TIMES = frozenset({"start_time", "end_time", "created_at", "git_commit_timestamp", "api_posted_at"})
TEXTS = frozenset(
    {
        "trigger_type",
        "product",
        "product_family",
        "platform",
        "subdomain",
        "website",
        "website_section",
        "item_name",
        "git_repo",
        "git_branch",
        "git_commit_hash",
        "git_run_tag",
        "git_commit_author",
        "input_summary",
        "output_summary",
        "source_ref",
        "target_ref",
        "error_summary",
        "error_details",
        "host",
        "environment",
        "insight_id",
        "parent_run_id",
    }
)

# What PATCH accepts. The other fields of a run reach the service with its start and its end.
CHANGEABLE = frozenset(
    {
        "duration_ms",
        "error_summary",
        "error_details",
        "output_summary",
        "items_discovered",
        "items_succeeded",
        "items_failed",
        "items_skipped",
        "metrics_json",
        "context_json",
        "git_commit_source",
        "git_commit_author",
        "git_commit_timestamp",
    }
)

COMMIT_SOURCES = frozenset({"manual", "llm", "ci"})
EVENT_SOURCES = frozenset({"api", "web", "web_api", "worker"})

# The client sets these itself.
OWN = frozenset({"event_id", "run_id", "agent_name", "job_type", "status", "api_posted"})
