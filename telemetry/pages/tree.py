"""JSON objects of agents as rows that people read: metrics and context."""

from typing import Any, NamedTuple

# An object may have a million members; the raw JSON shows all of them.
MAX_ROWS = 200
MAX_DEPTH = 6
MAX_TEXT = 2000


class Node(NamedTuple):
    """A member of an object or an array. ``value`` is None for one that has members itself."""

    depth: int
    name: str
    path: str
    value: str | None
    number: float | None


def rows(value: Any, limit: int = MAX_ROWS) -> list[Node]:
    """Return the members of an object, each before its own members, at most ``limit``."""
    found: list[Node] = []
    _walk(value, 0, "", found, limit)
    return found


def flat(value: Any) -> dict[str, Node]:
    """Return the members that have a value of their own, by path."""
    return {node.path: node for node in rows(value, 5 * MAX_ROWS) if node.value is not None}


def text_of(value: Any) -> str:
    """Return a JSON value as text: a string unchanged, a number with separated thousands."""
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.10g}"
    return value[:MAX_TEXT] if isinstance(value, str) else str(value)[:MAX_TEXT]


def _walk(value: Any, depth: int, path: str, found: list[Node], limit: int) -> None:
    if isinstance(value, dict):
        members = [(str(name), f"{path}.{name}" if path else str(name)) for name in value]
        values = list(value.values())
    else:
        members = [(f"[{place}]", f"{path}[{place}]") for place in range(len(value))]
        values = value
    for (name, full), member in zip(members, values, strict=True):
        if len(found) >= limit:
            return
        has_members = isinstance(member, dict | list) and bool(member)
        if has_members and depth < MAX_DEPTH:
            found.append(Node(depth, name[:255], full[:500], None, None))
            _walk(member, depth + 1, full[:500], found, limit)
        else:
            is_number = isinstance(member, int | float) and not isinstance(member, bool)
            number = float(member) if is_number else None
            found.append(Node(depth, name[:255], full[:500], text_of(member), number))
