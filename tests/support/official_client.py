"""What the official client of the older run service sends, written down from its source.

It sends a run as a full record of its own table: every column, the flags as 0 and 1, some fields
that this service does not know. A record goes to ``POST /api/v1/runs``; after an outage the
buffered records go to ``/api/v1/runs/batch`` as an array.
"""

from typing import Any


def client_record(event_id: str = "4f1c1c5e-0d53-4f0b-9d43-0c4f4f4d2a11", **fields: Any) -> dict:
    """Return the record of a run that has just started, with ``fields`` in place of its own."""
    return {
        "event_id": event_id,
        "run_id": "20260131T120000Z-artifactguard-a1b2c3d4",
        "agent_name": "artifactguard",
        "job_type": "scan_artifacts",
        "trigger_type": "scheduler",
        "start_time": "2026-01-31T12:00:00.123456+00:00",
        "schema_version": 6,
        "agent_owner": "platform-team",
        "end_time": None,
        "status": "running",
        "items_discovered": 0,
        "items_succeeded": 0,
        "items_failed": 0,
        "items_skipped": 0,
        "duration_ms": None,
        "input_summary": None,
        "output_summary": None,
        "error_summary": None,
        "error_details": None,
        "metrics_json": {"queue": "nightly", "shards": [1, 2], "dry_run": False},
        "context_json": None,
        "insight_id": None,
        "product": "slides",
        "platform": "python",
        "product_family": "slides",
        "subdomain": "docs",
        "website": "example.org",
        "website_section": "docs",
        "item_name": "index.md",
        "git_repo": "https://github.com/owner/name.git",
        "git_branch": "main",
        "git_run_tag": None,
        "git_commit_hash": None,
        "git_commit_source": None,
        "git_commit_author": None,
        "git_commit_timestamp": None,
        "host": "worker-7",
        "environment": "production",
        "parent_run_id": None,
        "api_posted": 0,
        "api_posted_at": None,
        "api_retry_count": 0,
        "created_at": "2026-01-31T12:00:00.125000+00:00",
        "updated_at": None,
        "record_type": "run",
        **fields,
    }


# Columns of the client's own table that are no fields of a run here.
UNKNOWN = ["agent_owner", "record_type", "schema_version", "updated_at"]

# The body of the client's PATCH when a run ends, and of its call that names the commit.
END = {
    "status": "completed",
    "end_time": "2026-01-31T12:02:10.500000+00:00",
    "duration_ms": 130377,
    "items_discovered": 12,
    "items_succeeded": 11,
    "items_failed": 1,
    "output_summary": "11 of 12 artifacts are clean",
    "metrics_json": {"queue": "nightly", "shards": [1, 2], "dry_run": False, "cost": 0.25},
}
COMMIT = {
    "commit_hash": "0123456789abcdef0123456789abcdef01234567",
    "commit_source": "llm",
    "commit_author": "Agent <agent@example.org>",
    "commit_timestamp": "2026-01-31T12:01:00+00:00",
}


# How many records of its buffer the client sends in one batch. When a batch fails, or its response
# is lost, the client sends the whole buffer again, from the first record.
BATCH_SIZE = 100


def offline_spool(runs: int, at_once: int = 1) -> list[dict]:
    """Return what the client buffers during an outage: two full records per run, in order.

    It writes one when the run starts and another when it ends, both with the same event_id.
    ``at_once`` runs are in progress at the same time.
    """
    records = []
    for first in range(0, runs, at_once):
        numbers = range(first, min(runs, first + at_once))
        starts = [client_record(f"offline-{number}") for number in numbers]
        records += starts + [{**start, **END, "api_retry_count": 1} for start in starts]
    return records


def batches(spool: list[dict]) -> list[list[dict]]:
    """Return the batches in which the client sends its buffer."""
    return [spool[first : first + BATCH_SIZE] for first in range(0, len(spool), BATCH_SIZE)]
