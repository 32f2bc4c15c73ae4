"""How long runs took, by one rule: that of run_duration_ms in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from telemetry.database.database import Row
from telemetry.pages import charts, formats
from telemetry.pages.states import FAILED

HEIGHT = 90

# Fewer runs have no percentiles worth showing.
LEAST_RANKED = 5


def length(run: Mapping[str, Any], now: datetime) -> float | None:
    """Return how long a run took, or has been running, in milliseconds; None when unknown."""
    if run["status"] == "running":
        start = formats.as_time(run["start_time"])
        return max(0.0, (now - start).total_seconds() * 1000) if start else None
    return None if run["ms"] is None else float(run["ms"])


def rank(run: Row, last: Sequence[Row]) -> str:
    """Return how the duration compares with the last runs of the same agent and job."""
    ended = sorted(
        row["ms"] for row in last if row["status"] != "running" and row["ms"] is not None
    )
    if len(ended) < LEAST_RANKED:
        return ""
    # As percentile_disc of the overview does.
    middle = f"p50 {formats.duration(ended[(len(ended) - 1) // 2])}"
    if run["status"] == "running" or run["ms"] is None:
        return middle
    longer = sum(ms >= run["ms"] for ms in ended)
    if longer > len(ended) / 10:
        return middle
    return f"{middle} · slowest {longer * 100 / len(ended):.0f} %"


def chart(run: Row, last: Sequence[Row], now: datetime) -> dict[str, Any]:
    """Return the bars of the last runs, the newest at the right, with this run marked.

    A few very long runs do not flatten all others: their bars end at the top of the axis.
    """
    shown = [{**row, "ms": length(row, now)} for row in reversed(last)]
    kinds = [
        "this" if row["event_id"] == run["event_id"] else _kind(row["status"]) for row in shown
    ]
    values = [row["ms"] or 0.0 for row in shown]
    usual = charts.most(values)
    largest = 1.5 * usual if max(values, default=0) > 3 * usual else max(values, default=0)
    top = charts.time_scale(largest)[0]
    bars = charts.columns([*zip(kinds, values, strict=True)], HEIGHT, largest)
    return {
        "durations": [
            {**row, "bar": bar, "is_cut": value > top}
            for row, bar, value in zip(shown, bars, values, strict=True)
        ],
        "duration_lines": charts.time_grid(largest, HEIGHT),
    }


def _kind(status: str) -> str:
    return status if status in FAILED else "plain"
