"""The table of runs: its filters, its pages and its rows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from telemetry.database.database import Row
from telemetry.git_links import commit_url
from telemetry.pages import charts, formats
from telemetry.pages.durations import length
from telemetry.pages.states import state_of
from telemetry.pages.store import RunPages
from telemetry.timestamps import parse_utc

ROWS = 50

# A part of an id is searched in the runs of this time, unless a filter gives a start: no index
# finds a part.
SEARCHED = timedelta(hours=24)

NUMBERS = (int, float)

# The filters that a page shows above its table, and how they are called. The search and the state
# have fields of their own there.
CHIPS = {
    "agent_name": "agent",
    "job_type": "job",
    "environment": "environment",
    "run_id": "run_id",
    "parent_run_id": "parent_run_id",
    "error": "error",
    "no_summary": "error",
    "created_after": "created after",
    "created_before": "created before",
    "start_time_from": "started from",
    "start_time_to": "started to",
}


class Page(NamedTuple):
    """A page of the table, with the cursors of the page of newer and of that of older runs."""

    rows: Sequence[Row]
    newer: str | None
    older: str | None


def filters_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of list_runs.sql but those that the store adds.

    Raises ValueError for a cursor that no page gave.
    """
    filters = dict(values)
    search = filters.pop("search")
    cursor, newer = filters.pop("cursor"), filters.pop("newer")
    created_at, event_id = read_cursor(cursor or newer)
    since = values["created_after"] or datetime.now(UTC) - SEARCHED
    return {
        **filters,
        "cursor_created_at": created_at,
        "cursor_event_id": event_id,
        "id": search,
        "part": None,
        "searched_since": since,
    }


def chips(given: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the filters that are set: parameter, name and value."""
    return [
        (name, text, formats.moment(it) if isinstance(it, datetime) else str(it))
        for name, text in CHIPS.items()
        if (it := "without a summary" if given.get(name) is True else given.get(name))
    ]


def page_of(store: RunPages, values: dict[str, Any]) -> Page:
    """Return the page that a query string asks for. Raises ValueError as filters_of does."""
    filters = store.with_search(filters_of(values))
    if values["newer"]:
        rows = store.list_newer(filters, ROWS + 1)
        if len(rows) > ROWS:
            return Page(rows[1:], cursor_of(rows[1]), cursor_of(rows[-1]))
        # Fewer than a page are newer, so this is the newest page, which is full.
        filters |= {"cursor_created_at": None, "cursor_event_id": None}
    rows = store.list(filters, ROWS + 1)
    page = rows[:ROWS]
    return Page(
        page,
        cursor_of(page[0]) if page and values["cursor"] else None,
        cursor_of(page[-1]) if len(rows) > ROWS else None,
    )


def cursor_of(row: Row) -> str:
    """Return the place of a row in the table, which stays the same while runs are added."""
    return f"{row['created_at']} {row['event_id']}"


def read_cursor(cursor: str | None) -> tuple[datetime | None, str | None]:
    """Return ``created_at`` and ``event_id`` of a cursor. Raises ValueError for any other text."""
    if cursor is None:
        return None, None
    created_at, _, event_id = cursor.partition(" ")
    return parse_utc(created_at), event_id


def for_table(rows: Sequence[Row], now: datetime) -> list[dict[str, Any]]:
    """Return the rows with their state, their length and the length of their bar in percent."""
    shown = [
        {
            **row,
            "state": state_of(row),
            "ms": length(row, now),
            "amount": amount(row["cost"]),
            "commit_url": commit_url(row["git_repo"], row["git_commit_hash"]),
        }
        for row in rows
    ]
    # The longest tenth has the whole width, so that one long run does not flatten all others.
    longest = charts.most([it["ms"] or 0 for it in shown])
    for it in shown:
        it["bar"] = round(min(100, 100 * (it["ms"] or 0) / longest), 1) if longest else 0
    return shown


def amount(value: Any) -> float | None:
    """Return a number that an agent reported, or None for anything else."""
    return value if isinstance(value, NUMBERS) and not isinstance(value, bool) else None
