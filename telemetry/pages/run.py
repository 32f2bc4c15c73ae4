"""What the page of one run shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from telemetry.database.database import Row
from telemetry.git_links import commit_url, repo_url
from telemetry.pages import charts, durations, formats, tree
from telemetry.pages.durations import length
from telemetry.pages.runs import amount
from telemetry.pages.states import state_of
from telemetry.pages.store import COSTS, RunPages

RELATIVES = 40
DURATIONS = 100
# What is seen of the details before a person unfolds them.
ERROR_LINES = 6
# Fewer hidden lines than this are not worth a click.
LEAST_FOLDED = 4
ERROR_LENGTH = 1000

MAX_DETAILS = 50_000

# How much of a text is among the details.
MAX_TEXT = 1000

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

TOKENS_IN = ("tokens_in", "input_tokens", "prompt_tokens")
TOKENS_OUT = ("tokens_out", "output_tokens", "completion_tokens")


def collect(store: RunPages, run: Row, now: datetime) -> dict[str, Any]:
    """Return what the page shows of a run besides its own columns."""
    metrics = run["metrics_json"] or {}
    last = store.durations(run, DURATIONS)
    family = store.family(run, RELATIVES + 1)
    return {
        "state": state_of(run),
        "ms": length(run, now),
        "rank": durations.rank(run, last),
        **durations.chart(run, last, now),
        "timeline": timeline(run, family, now),
        "details": [(name, run[column]) for column, name in DETAILS.items() if run[column]],
        "commit_url": commit_url(run["git_repo"], run["git_commit_hash"]),
        "repo_url": repo_url(run["git_repo"]),
        "cost": first(metrics, COSTS),
        "tokens_in": first(metrics, TOKENS_IN),
        "tokens_out": first(metrics, TOKENS_OUT),
        "metrics": tree.read(metrics),
        "context": tree.read(run["context_json"] or {}),
        "more_relatives": more_relatives(run, family),
        "error": error(store, run),
        "max_text": MAX_TEXT,
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
    all_lines = len(details.splitlines())
    first_lines = "\n".join(lines[:ERROR_LINES])
    same: dict[str, Any] = {"runs": 0}
    created = formats.as_time(run["created_at"])
    if summary and created:
        since = formats.shifted(created, -timedelta(days=1))
        until = formats.shifted(created, timedelta(days=1))
        same = {**store.same_error(summary[:200], since, until), "since": since, "until": until}
    return {
        "summary": summary or "Error without a summary",
        "first": formats.cut(first_lines, ERROR_LENGTH),
        "whole": "\n".join(lines),
        "lines": all_lines,
        "shown_lines": len(lines),
        "is_folded": len(lines) >= ERROR_LINES + LEAST_FOLDED or len(details) > ERROR_LENGTH,
        "is_cut": len(details) > MAX_DETAILS,
        **same,
    }


def more_relatives(run: Row, family: Sequence[Row]) -> list[tuple[str, str]]:
    """Return the relatives that the timeline leaves out: what they are, and of which parent."""
    parents = {"siblings": run["parent_run_id"], "children": run["run_id"]}
    kinds = {"siblings": "sibling", "children": "child"}
    return [
        (words, parents[words])
        for words, kind in kinds.items()
        if sum(row["kind"] == kind for row in family) > RELATIVES
    ]


def timeline(run: Row, family: Sequence[Row], now: datetime) -> list[dict[str, Any]]:
    """Return the run among its relatives: parent, then siblings with the children of this run.

    Without relatives it is empty.
    """
    if not family:
        return []
    this = {**run, "kind": "this"}
    by_kind = {kind: _newest(family, kind) for kind in ("parent", "sibling", "child")}
    siblings = sorted([this, *by_kind["sibling"]], key=lambda row: str(row["start_time"]))
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


def _newest(family: Sequence[Row], kind: str) -> list[Any]:
    """Return the relatives of a kind, at most RELATIVES."""
    return [row for row in family if row["kind"] == kind][-RELATIVES:]


def _span(row: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    start = formats.as_time(row["start_time"]) or now
    ms = length(row, now)
    try:
        return start, start + timedelta(milliseconds=ms or 0)
    except OverflowError:
        return start, start
