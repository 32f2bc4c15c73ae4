"""How the runs of a batch become rows of sql/runs/copy.sql."""

from telemetry.payloads.copy_format import CopyFormat
from telemetry.runs.schema import RunSchema

# COPY fills no default in: these are the ones of sql/runs/create.sql.
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
