"""The format in which the runs of a batch are sent to sql/runs/copy.sql."""

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
