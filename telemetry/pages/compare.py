"""Two runs side by side: the fields that differ, and the metrics with their difference."""

from datetime import datetime
from typing import Any, NamedTuple

from telemetry.database.database import Row
from telemetry.pages import formats, tree
from telemetry.pages.durations import length
from telemetry.pages.runs import amount

# What differs between any two runs, and so says nothing.
OWN = {"event_id", "created_at", "updated_at", "metrics_json", "context_json", "stale"} | {
    # The row of ms has it, by the one rule for durations.
    "duration_ms"
}

NUMBERS = ("items_discovered", "items_succeeded", "items_failed", "items_skipped")

# Of a longer text this much is shown, from a little before the place where it differs.
MAX_TEXT = 300
BEFORE = 40

MAX_MEMBERS = 500

ABSENT = object()

Texts = tuple[str | None, str | None]


class Members(NamedTuple):
    """Members of two objects side by side, and how many more there are: different and equal."""

    rows: list[dict[str, Any]]
    more_different: int
    more_equal: int


def fields(a: Row, b: Row, now: datetime) -> list[dict[str, Any]]:
    """Return the fields that differ, each with both values as text."""
    found = []
    for name in a:
        if name == "ms":
            found += _durations(length(a, now), length(b, now))
        elif name not in OWN and a[name] != b[name]:
            difference = formats.change(a[name], b[name]) if name in NUMBERS else ""
            found.append(_row(name, _shown(_text(name, a[name]), _text(name, b[name])), difference))
    return found


def objects(a: Any, b: Any, *, only_different: bool = False) -> Members:
    """Return the members of two objects, in the order in which they appear.

    When there are too many, those that differ are kept.
    """
    left, right = tree.leaves(a or {}), tree.leaves(b or {})
    paths = [*{**left, **right}]
    pairs = [(path, left.get(path, ABSENT), right.get(path, ABSENT)) for path in paths]
    different = [it for it in pairs if not _same(*it[1:])]
    equal = [] if only_different else [it for it in pairs if _same(*it[1:])]
    kept = {it[0] for it in [*different, *equal][:MAX_MEMBERS]}
    return Members(
        [_member(*it) for it in pairs if it[0] in kept],
        max(0, len(different) - MAX_MEMBERS),
        max(0, len(equal) - max(0, MAX_MEMBERS - len(different))),
    )


def ratio(a: float, b: float) -> str:
    """Return by how many percent a number changed, such as ``+12 %``."""
    if a == b:
        return "="
    if not a:
        return ""
    try:
        percent = (b - a) / abs(a) * 100
    except OverflowError:
        return ""
    text = f"{min(abs(percent), 1e9):,.0f}" if abs(percent) >= 10 else f"{abs(percent):.2g}"
    return f"{'+' if percent > 0 else '−'}{text} %"


def _durations(a: float | None, b: float | None) -> list[dict[str, Any]]:
    if a == b:
        return []
    difference = "" if a is None or b is None else ratio(a, b)
    return [_row("duration", (formats.duration(a), formats.duration(b)), difference)]


def _member(path: tree.Path, a: Any, b: Any) -> dict[str, Any]:
    difference, share = "", ""
    x, y = amount(a), amount(b)
    if x is not None and y is not None:
        sign = "+" if y > x else "−" if y < x else "±"
        difference, share = f"{sign}{formats.number(abs(y - x))}", ratio(x, y)
    texts = _member_text(a), _member_text(b)
    if texts[0] == texts[1] and not _same(a, b):
        # Such as 1 and "1": as JSON they differ.
        texts = tree.json_text(a), tree.json_text(b)
    row = _row(tree.path_text(path), _shown(*texts), difference)
    return {**row, "share": share, "differs": not _same(a, b)}


def _member_text(value: Any) -> str | None:
    return None if value is ABSENT else tree.text_of(value)


def _same(a: Any, b: Any) -> bool:
    """Return whether two JSON values are equal: true is not 1, but 1.0 is."""
    if isinstance(a, dict | list) and isinstance(b, dict | list):
        return tree.json_text(a) == tree.json_text(b)
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)


def _row(name: str, texts: Texts, difference: str) -> dict[str, Any]:
    return {"name": name, "a": texts[0], "b": texts[1], "difference": difference}


def _shown(a: str | None, b: str | None) -> Texts:
    """Return two texts, cut where they are long so that the place where they differ is shown."""
    if a is None or b is None or a == b or max(len(a), len(b)) <= MAX_TEXT:
        return _cut(a), _cut(b)
    shorter = min(len(a), len(b))
    same = next((place for place in range(shorter) if a[place] != b[place]), shorter)
    start = same - BEFORE if same > MAX_TEXT // 2 else 0
    return _cut(a, start), _cut(b, start)


def _cut(text: str | None, start: int = 0) -> str | None:
    if text is None:
        return None
    shown = formats.cut(text[start:], MAX_TEXT)
    return f"({start:,} equal characters) …{shown}" if start else shown


def _text(name: str, value: Any) -> str | None:
    if name.endswith(("_time", "_at", "_timestamp")) and (moment := formats.as_time(value)):
        return formats.moment(moment)
    return None if value is None else tree.text_of(value)
