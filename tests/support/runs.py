"""Runs to post."""

from typing import Any

from telemetry.database import statements

# What a client does that changes runs itself: it draws a number, and an UPDATE writes it. Where
# tables are not distributed, a trigger does so.
DRAW_NUMBER = statements.load("runs/draw_number")
DRAWN_NUMBER = "nullif(current_setting('telemetry.change_number', TRUE), '')::bigint"


def minimal_run(event_id: str = "event-1", **fields: Any) -> dict[str, Any]:
    """Return a run with its required fields, and ``fields``."""
    return {
        "event_id": event_id,
        "run_id": "run-1",
        "agent_name": "agent-a",
        "job_type": "crawl",
        "start_time": "2026-01-31T12:00:00Z",
        **fields,
    }


def full_run(event_id: str = "event-1", **fields: Any) -> dict[str, Any]:
    """Return a run with every field of the contract, and ``fields``."""
    return {
        "event_id": event_id,
        "run_id": "run-1",
        "agent_name": "agent-ä",
        "job_type": "crawl",
        "start_time": "2026-01-31T12:00:00.000000Z",
        "created_at": "2026-01-31T12:00:01.000001Z",
        "end_time": "2026-01-31T12:00:02.500000Z",
        "status": "partial",
        "duration_ms": 2500,
        "items_discovered": 10,
        "items_succeeded": 7,
        "items_failed": 2,
        "items_skipped": 1,
        "product": "Produkt „Ü“",
        "product_family": "family",
        "platform": "linux",
        "subdomain": "docs",
        "website": "example.org",
        "website_section": "/blog",
        "item_name": "item 🛰",
        "git_repo": "git@github.com:owner/name.git",
        "git_branch": "main",
        "git_commit_hash": "0123456789abcdef0123456789abcdef01234567",
        "git_run_tag": "run-tag",
        "git_commit_source": "ci",
        "git_commit_author": "Ada <ada@example.org>",
        "git_commit_timestamp": "2026-01-31T11:00:00.000000Z",
        "input_summary": "in",
        "output_summary": "out",
        "source_ref": "s3://bucket/in",
        "target_ref": "s3://bucket/out",
        "error_summary": "two failed",
        "error_details": "Traceback …\n" * 20,
        "host": "host-1",
        "environment": "production",
        "trigger_type": "cron",
        "metrics_json": {"pages": 10, "ratio": 0.7, "ok": True, "none": None, "list": [1, "zwei"]},
        "context_json": {"deep": {"er": {"est": ["ünïcode", "日本"]}}},
        "insight_id": "insight-1",
        "parent_run_id": "run-0",
        "api_posted": True,
        "api_posted_at": "2026-01-31T12:00:03.000000Z",
        "api_retry_count": 3,
        **fields,
    }
