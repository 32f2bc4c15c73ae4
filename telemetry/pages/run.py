"""What the page of one run shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from telemetry.database.database import Row
from telemetry.git_links import commit_url, repo_url
from telemetry.pages import charts, formats, tree
from telemetry.pages.overview import state_of
from telemetry.pages.runs import amount, length
from telemetry.pages.store import RunPages

RELATIVES = 40
DURATIONS = 100
DURATIONS_HEIGHT = 90
# What is seen of the details before a person unfolds them.
ERROR_LINES = 6
# Fewer hidden lines than this are not worth a click.
LEAST_FOLDED = 4
ERROR_LENGTH = 1000

MAX_DETAILS = 50_000

# The details of a run, in the order in which a person asks, and how they are called.
DETAILS = {
    "trigger_type": "Trigger",
    "input_summary": "Input",
    "output_summary": "Output",
    "source_ref": "Source",
    "target_ref": "Target",
    "item_name": "Item",
    "product": "Product",
    "product_family": "Product family",
    "platform": "Platform",
    "website": "Website",
    "website_section": "Section",
    "subdomain": "Subdomain",
    "git_branch": "Branch",
    "git_run_tag": "Tag",
    "insight_id": "Insight",
    "host": "Host",
}

COSTS = ("cost_usd", "cost", "total_cost_usd", "total_cost")
TOKENS_IN = ("tokens_in", "input_tokens", "prompt_tokens")
TOKENS_OUT = ("tokens_out", "output_tokens", "completion_tokens")


def collect(store: RunPages, run: Row, now: datetime) -> dict[str, Any]:
    """Return what the page shows of a run besides its own columns."""
    metrics = run["metrics_json"] or {}
    last = store.durations(run, DURATIONS)
    family = store.family(run, RELATIVES)
    return {
        "state": state_of(run),
        "ms": length(run, now),
        "rank": rank(run, last),
        **durations(run, last),
        "timeline": timeline(run, family, now),
        "details": [(name, run[column]) for column, name in DETAILS.items() if run[column]],
        "commit_url": commit_url(run["git_repo"], run["git_commit_hash"]),
        "repo_url": repo_url(run["git_repo"]),
        "cost": first(metrics, COSTS),
        "tokens_in": first(metrics, TOKENS_IN),
        "tokens_out": first(metrics, TOKENS_OUT),
        "metrics": tree.rows(metrics),
        "context": tree.rows(run["context_json"] or {}),
        "error": error(store, run),
    }


def first(metrics: Mapping[str, Any], names: Sequence[str]) -> float | None:
    """Return the first of the metrics that is a number."""
    return next((value for it in names if (value := amount(metrics.get(it))) is not None), None)


def error(store: RunPages, run: Row) -> dict[str, Any] | None:
    """Return the error of a run: its first lines, the others, and how many runs had it."""
    summary, details = run["error_summary"], run["error_details"] or ""
    if not (summary or details):
        return None
    lines = details[:MAX_DETAILS].splitlines()
    first_lines = "\n".join(lines[:ERROR_LINES])
    same: dict[str, Any] = {"runs": 0, "first_at": None}
    created = formats.as_time(run["created_at"])
    if summary and created:
        since = created - timedelta(days=1)
        same = dict(store.same_error(summary[:200], since, created + timedelta(days=1)))
        same["since"] = since
    return {
        "summary": summary or "Error without a summary",
        "first": formats.cut(first_lines, ERROR_LENGTH),
        "whole": "\n".join(lines),
        "lines": len(lines),
        "is_folded": len(lines) >= ERROR_LINES + LEAST_FOLDED or len(details) > ERROR_LENGTH,
        "is_cut": len(details) > MAX_DETAILS,
        **same,
    }


def rank(run: Row, last: Sequence[Row]) -> str:
    """Return how the duration compares with the last runs of the same agent and job."""
    ended = sorted(row["duration_ms"] for row in last if row["status"] != "running")
    if len(ended) < 5:
        return ""
    middle = f"p50 {formats.duration(ended[len(ended) // 2])}"
    longer = sum(ms >= run["duration_ms"] for ms in ended)
    if run["status"] == "running" or longer > len(ended) / 10:
        return middle
    return f"{middle} · slowest {longer * 100 / len(ended):.0f} %"


def durations(run: Row, last: Sequence[Row]) -> dict[str, Any]:
    """Return the bars of the last runs, the newest at the right, with this run marked.

    A few very long runs do not flatten all others: their bars end at the top of the axis.
    """
    shown = [*reversed(last)]
    kinds = [
        "this" if row["event_id"] == run["event_id"] else _kind(row["status"]) for row in shown
    ]
    lengths = [(kind, float(row["duration_ms"])) for kind, row in zip(kinds, shown, strict=True)]
    values = [length for _, length in lengths]
    usual = charts.most(values)
    largest = 1.5 * usual if max(values, default=0) > 3 * usual else max(values, default=0)
    top = charts.time_scale(largest)[0]
    bars = charts.columns(lengths, DURATIONS_HEIGHT, largest)
    return {
        "durations": [
            {**row, "bar": bar, "is_cut": row["duration_ms"] > top}
            for row, bar in zip(shown, bars, strict=True)
        ],
        "duration_lines": charts.time_grid(largest, DURATIONS_HEIGHT),
    }


def timeline(run: Row, family: Sequence[Row], now: datetime) -> list[dict[str, Any]]:
    """Return the run among its relatives: parent, then siblings with the children of this run.

    Without relatives it is empty.
    """
    if not family:
        return []
    this = {**run, "kind": "this"}
    by_kind: dict[str, list[Any]] = {"parent": [], "sibling": [this], "child": []}
    for row in family:
        by_kind[row["kind"]].append(row)
    siblings = sorted(by_kind["sibling"], key=lambda row: str(row["start_time"]))
    place = siblings.index(this) + 1
    ordered = [*by_kind["parent"], *siblings[:place], *by_kind["child"], *siblings[place:]]
    spans = [_span(row, now) for row in ordered]
    start = min(begin for begin, _ in spans)
    whole = (max(end for _, end in spans) - start).total_seconds()
    depth = {"parent": 0, "sibling": 1, "this": 1, "child": 2}
    shallow = 0 if by_kind["parent"] else 1
    return [
        {
            **row,
            "depth": depth[row["kind"]] - shallow,
            "state": state_of(row),
            "ms": length(row, now),
            "x": charts.spread(*span, start, whole)[0],
            "width": charts.spread(*span, start, whole)[1],
        }
        for row, span in zip(ordered, spans, strict=True)
    ]


def _span(row: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    start = formats.as_time(row["start_time"]) or now
    ms = length(row, now) if isinstance(row, dict) else 0
    try:
        return start, start + timedelta(milliseconds=ms or 0)
    except OverflowError:
        return start, start


def _kind(status: str) -> str:
    return status if status in ("failure", "timeout") else "plain"
