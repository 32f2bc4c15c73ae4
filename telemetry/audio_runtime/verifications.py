"""The record of each verify of the whole ledger: it shows when verify no longer runs."""

from telemetry.database import statements
from telemetry.database.connection import Connection

RECORD_VERIFICATION = statements.load("audio_runtime/record_verification")


def record_verification(connection: Connection, findings: int) -> None:
    """Record a verify that has ended. Raises psycopg.Error, on a standby for example."""
    connection.execute(RECORD_VERIFICATION, {"findings_count": findings})
