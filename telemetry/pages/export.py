"""Exports of runs, one line at a time: a client that reads slowly needs no memory here."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import asdict

from telemetry.git_links import commit_url, repo_url

# The fields of the API, in its order.
COLUMNS = [
    "event_id",
    "run_id",
    "agent_name",
    "job_type",
    "status",
    "created_at",
    "updated_at",
    "start_time",
    "end_time",
    "duration_ms",
    "items_discovered",
    "items_succeeded",
    "items_failed",
    "items_skipped",
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
    "git_commit_source",
    "git_commit_author",
    "git_commit_timestamp",
    "input_summary",
    "output_summary",
    "source_ref",
    "target_ref",
    "error_summary",
    "error_details",
    "host",
    "environment",
    "trigger_type",
    "metrics_json",
    "context_json",
    "insight_id",
    "parent_run_id",
    "api_posted",
    "api_posted_at",
    "api_retry_count",
    "stale",
    "commit_url",
    "repo_url",
]

# A spreadsheet takes a text that begins like this for a formula, and runs it. Some leave out white
# space first, and read the wide forms of the signs.
FORMULA = re.compile(
    r"[\t\r\n]|[\s\x00-\x20\u200b-\u200f\u2060\ufeff]*"
    r"[-=+@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b]"
)


def add_links(run: Any) -> Any:
    """Return a run that is an object, with its links."""
    run.commit_url = commit_url(run.git_repo, run.git_commit_hash)
    run.repo_url = repo_url(run.git_repo)
    return run


def json_lines(runs: Iterator[Any]) -> Iterator[bytes]:
    """Yield each run as the API returns it, on a line of its own."""
    for run in runs:
        yield msgspec.json.encode(add_links(run)) + b"\n"


def csv_lines(runs: Iterator[Any]) -> Iterator[bytes]:
    """Yield the names of the fields, and then each run. A formula is made a text."""
    yield _line(COLUMNS)
    for run in runs:
        values = asdict(add_links(run))
        yield _line([_cell(values[name]) for name in COLUMNS])


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if FORMULA.match(value) else value
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    return msgspec.json.encode(value).decode()


def _line(values: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()
