"""What the last verify of the whole ledger found."""

from collections.abc import Iterator
from datetime import timedelta

from telemetry.doctor.finding import Finding, ok, warning
from telemetry.doctor.subject import Subject, database_errors
from telemetry.metrics.store import LAST_VERIFY

CHECK = "verify"


def check_verified(subject: Subject) -> Iterator[Finding]:
    """Yield whether the last verify found something; nothing where there was none."""
    if "audio_runtime" not in subject.domains:
        return
    with database_errors(CHECK):
        row = subject.database.fetch_one(LAST_VERIFY)
    if row is None:
        return
    ago = timedelta(seconds=round(row["age_seconds"]))
    if row["findings"]:
        says = f"the last verify of the ledger, {ago} ago, had {row['findings']} finding(s)"
        yield warning(CHECK, says, "run `python -m telemetry verify`, which names each")
    else:
        yield ok(CHECK, f"the last verify of the ledger, {ago} ago, found nothing")
