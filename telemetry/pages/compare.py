"""Two runs side by side: the fields that differ, and the metrics with their difference."""

from datetime import datetime
from typing import Any

from telemetry.database.database import Row
from telemetry.pages import formats, tree
from telemetry.pages.runs import length

# What differs between any two runs, and so says nothing.
OWN = {"event_id", "created_at", "updated_at", "metrics_json", "context_json", "stale"}

NUMBERS = ("items_discovered", "items_succeeded", "items_failed", "items_skipped")


def fields(a: Row, b: Row, now: datetime) -> list[dict[str, Any]]:
    """Return the fields that differ, each with both values as text."""
    found = []
    for name in a:
        if name in OWN or a[name] == b[name]:
            continue
        difference = ""
        values = [_text(name, run[name]) for run in (a, b)]
        if name == "duration_ms":
            lengths = [length(run, now) or 0.0 for run in (a, b)]
            values = [formats.duration(it) for it in lengths]
            difference = ratio(*lengths)
        elif name in NUMBERS:
            difference = formats.change(a[name], b[name])
        found.append({"name": name, "a": values[0], "b": values[1], "difference": difference})
    return found


def objects(a: Any, b: Any) -> list[dict[str, Any]]:
    """Return the members of two objects side by side, in the order in which they appear."""
    left, right = tree.flat(a or {}), tree.flat(b or {})
    return [_member(path, left.get(path), right.get(path)) for path in {**left, **right}]


def ratio(a: float, b: float) -> str:
    """Return by how many percent a number changed, such as ``+12 %``."""
    if a == b:
        return "="
    if not a:
        return ""
    percent = (b - a) / abs(a) * 100
    text = f"{min(abs(percent), 1e9):,.0f}" if abs(percent) >= 10 else f"{abs(percent):.2g}"
    return f"{'+' if percent > 0 else '−'}{text} %"


def _member(path: str, a: tree.Node | None, b: tree.Node | None) -> dict[str, Any]:
    difference, share = "", ""
    if a is not None and b is not None and a.number is not None and b.number is not None:
        change = b.number - a.number
        sign = "+" if change > 0 else "−" if change < 0 else "±"
        difference, share = f"{sign}{abs(change):,.6g}", ratio(a.number, b.number)
    values = [node.value if node else None for node in (a, b)]
    return {
        "path": path,
        "a": values[0],
        "b": values[1],
        "difference": difference,
        "share": share,
        "differs": values[0] != values[1],
    }


def _text(name: str, value: Any) -> str | None:
    if name.endswith(("_time", "_at", "_timestamp")) and (moment := formats.as_time(value)):
        return formats.moment(moment)
    return None if value is None else tree.text_of(value)
