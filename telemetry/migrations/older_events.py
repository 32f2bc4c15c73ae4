"""The ``runtime_events`` table of an older service."""

from typing import Any, NamedTuple

from telemetry.database import statements
from telemetry.database.connection import Connection

OLDER_EVENTS = statements.load("migrations/older_events")
MOVE_ASIDE = statements.load("migrations/move_aside")

TABLE = "runtime_events"
ASIDE = "runtime_events_before_migration"

_TEXTS = ("character varying", "text")
_NUMBERS = ("smallint", "integer", "bigint", "real", "double precision", "numeric")
_OBJECTS = (*_TEXTS, "json", "jsonb")
_TIMES = ("timestamp with time zone", "timestamp without time zone")

# Releases of that service differ in the last three.
_REQUIRED = {
    "id": _TEXTS,
    "source": _TEXTS,
    "endpoint": _TEXTS,
    "method": _TEXTS,
    "status_code": _NUMBERS,
    "runtime_ms": _NUMBERS,
    "idea_id": _TEXTS,
    "runtime_cost_estimate": _NUMBERS,
    "recorded_at": _TIMES,
}
_METADATA = ("metadata", "metadata_json")
_OPTIONAL = {"raw_endpoint": _TEXTS, "origin_idea_id": _TEXTS}


class OlderTable(NamedTuple):
    """A table: how it differs from an older service's (empty if it does not), and its parts.

    ``parts`` are the names of its indexes and sequences.
    """

    difference: str
    parts: frozenset[str]


def find(connection: Connection, table: str) -> OlderTable | None:
    """Compare the table with that of an older service; None when there is no such table."""
    found = connection.execute(OLDER_EVENTS, {"name": table}).fetchone()
    if found is None:
        return None
    return OlderTable(_difference(found), frozenset(found["parts"]))


def _difference(found: dict[str, Any]) -> str:
    columns: dict[str, str] = found["columns"]
    expected = {**_REQUIRED, **_OPTIONAL, **dict.fromkeys(_METADATA, _OBJECTS)}
    if found["kind"] != "r":
        return "it is not an ordinary table"
    if missing := [name for name in _REQUIRED if name not in columns]:
        return f"it has no column {missing[0]}"
    if not any(name in columns for name in _METADATA):
        return "it has no column metadata"
    for name, kind in columns.items():
        if name not in expected:
            return f"it has a column {name!r}"
        if kind not in expected[name]:
            return f"its column {name} is {kind}"
    return "" if found["primary_key"] == ["id"] else "its primary key is not id"


def move_aside(connection: Connection) -> None:
    """Rename the table and its indexes. The caller holds the transaction that creates the new."""
    connection.execute(MOVE_ASIDE)
