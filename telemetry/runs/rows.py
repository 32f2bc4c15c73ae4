"""The format in which the runs of a batch are sent to sql/runs/copy.sql."""

from typing import Any

from telemetry.database.copy import CopyRow
from telemetry.database.values import as_json
from telemetry.payloads.copy_format import CopyFormat
from telemetry.runs.schema import RunSchema

# The defaults of sql/runs/create.sql, because COPY fills in none.
ROWS = CopyFormat(
    RunSchema(),
    key="event_id",
    unsent={
        "status": "running",
        "created_at": "now",  # PostgreSQL reads it as the time of the transaction
        "duration_ms": 0,
        "items_discovered": 0,
        "items_succeeded": 0,
        "items_failed": 0,
        "items_skipped": 0,
        "api_posted": False,
        "api_retry_count": 0,
    },
)

_STATUS = ROWS.columns.index("status")
_AGENT = ROWS.columns.index("agent_name")


def has_ended(run: CopyRow) -> bool:
    """Return whether the record has a status other than running."""
    return bool(run.values()[_STATUS] != "running")


def agent_of(run: CopyRow) -> Any:
    """Return the agent that the record names."""
    return run.values()[_AGENT]


def merge(start: CopyRow, end: CopyRow) -> CopyRow:
    """Return the run that two records make: the fields of ``end``, over those of ``start``."""
    values = end.values()
    unsent = []
    for index, value in enumerate(start.values()):
        if index in end.unsent or values[index] is None:
            values[index] = value
            if index in start.unsent:
                unsent.append(index)
    text = as_json(values)[1:-1]
    return CopyRow(end.key, text, (*unsent,), start.may_escape or end.may_escape)
