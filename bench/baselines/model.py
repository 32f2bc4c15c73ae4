"""The run as a pydantic model, its columns and its statements, shared by both baselines."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")]
EventId = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\s/]+$")]
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Status = Literal[
    "running", "success", "failure", "partial", "timeout", "cancelled",
    "failed", "completed", "succeeded",
]  # fmt: skip
ALIASES = {"failed": "failure", "completed": "success", "succeeded": "success"}


class Run(BaseModel):
    """A run as a request sends it."""

    event_id: EventId
    run_id: Name
    agent_name: Name
    job_type: Name
    start_time: AwareDatetime
    status: Status = "running"
    created_at: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    duration_ms: Count | None = 0
    items_discovered: Count = 0
    items_succeeded: Count = 0
    items_failed: Count = 0
    items_skipped: Count = 0
    product: str | None = None
    product_family: str | None = None
    platform: str | None = None
    subdomain: str | None = None
    website: str | None = None
    website_section: str | None = None
    item_name: str | None = None
    git_repo: str | None = None
    git_branch: str | None = None
    git_commit_hash: str | None = None
    git_run_tag: str | None = None
    git_commit_source: Literal["manual", "llm", "ci"] | None = None
    git_commit_author: str | None = None
    git_commit_timestamp: AwareDatetime | None = None
    input_summary: str | None = None
    output_summary: str | None = None
    source_ref: str | None = None
    target_ref: str | None = None
    error_summary: str | None = None
    error_details: str | None = None
    host: str | None = None
    environment: str | None = None
    trigger_type: str | None = None
    metrics_json: dict[str, Any] | None = None
    context_json: dict[str, Any] | None = None
    insight_id: str | None = None
    parent_run_id: str | None = None
    api_posted: bool = False
    api_posted_at: AwareDatetime | None = None
    api_retry_count: Count = 0


class StoredRun(Run):
    """A run as a response returns it."""

    created_at: datetime
    updated_at: datetime


COLUMNS = list(Run.model_fields)
STORED_COLUMNS = list(StoredRun.model_fields)

_PLACES = ", ".join(
    f"coalesce(${place}, now())" if column == "created_at" else f"${place}"
    for place, column in enumerate(COLUMNS, 1)
)
INSERT = f"""
    INSERT INTO agent_runs ({", ".join(COLUMNS)}) VALUES ({_PLACES})
    ON CONFLICT (event_id) DO NOTHING
"""

LIST = f"""
    SELECT {", ".join(STORED_COLUMNS)} FROM agent_runs
    WHERE ($1::text IS NULL OR agent_name = $1) AND ($2::text IS NULL OR status = $2)
    ORDER BY created_at DESC, event_id DESC LIMIT $3
"""
