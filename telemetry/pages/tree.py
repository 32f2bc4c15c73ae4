"""JSON objects of agents as rows that people read: metrics and context."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from telemetry.pages import formats

# An object may have a million members; the raw JSON shows all of them.
MAX_ROWS = 200
MAX_DEPTH = 6
MAX_NAME = 255
MAX_PATH = 500
MAX_TEXT = 2000

Path = tuple[str, ...]


class Node(NamedTuple):
    """A member of an object or an array. ``value`` is None for one that has members itself."""

    depth: int
    name: str
    path: str
    value: str | None


class Tree(NamedTuple):
    """The members of an object, each before its own members; ``is_cut``: it has more."""

    nodes: list[Node]
    is_cut: bool


def read(value: Any, limit: int = MAX_ROWS) -> Tree:
    """Return the first members of an object."""
    nodes: list[Node] = []
    for path, member in walk(value):
        if len(nodes) == limit:
            return Tree(nodes, is_cut=True)
        text = None if _is_open(member, len(path)) else formats.cut(text_of(member), MAX_TEXT)
        name, full = formats.cut(path[-1], MAX_NAME), formats.cut(path_text(path), MAX_PATH)
        nodes.append(Node(len(path) - 1, name, full, text))
    return Tree(nodes, is_cut=False)


def leaves(value: Any) -> dict[Path, Any]:
    """Return the members that are shown with a value of their own, by path."""
    return {path: it for path, it in walk(value) if not _is_open(it, len(path))}


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of each member, each before its own members."""
    if isinstance(value, dict):
        members: Iterator[tuple[str, Any]] = ((str(name), it) for name, it in value.items())
    else:
        members = ((f"[{place}]", it) for place, it in enumerate(value))
    for name, member in members:
        full = (*path, name)
        yield full, member
        if _is_open(member, len(full)):
            yield from walk(member, full)


def path_text(path: Path) -> str:
    """Return a path as people write it, such as ``usage.models[0]``."""
    return path[0] + "".join(it if it.startswith("[") else f".{it}" for it in path[1:])


def text_of(value: Any) -> str:
    """Return a JSON value as text: a string unchanged, a number with separated thousands."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return formats.number(value) if isinstance(value, int) else f"{value:,.10g}"
    return json_text(value)


def json_text(value: Any) -> str:
    """Return a JSON value as JSON."""
    return json.dumps(value, ensure_ascii=False)


def _is_open(member: Any, depth: int) -> bool:
    """Return whether the members of a member are shown. Deeper ones are text."""
    return isinstance(member, dict | list) and bool(member) and depth <= MAX_DEPTH
