"""What is counted of the events that requests send."""

from collections.abc import Sequence
from typing import Any

from telemetry.audio_runtime.outcomes import Committed, Outcome, Stored
from telemetry.audio_runtime.schema import KINDS
from telemetry.counters import count_batch
from telemetry.payloads.batch import Batch
from telemetry.series import Series

DOMAIN = "audio_runtime"

APPENDS = Series(
    "telemetry_ledger_appends",
    "Events that were appended to the audio ledger",
    "counter",
    event_kind=(*KINDS,),
)


def count_events(
    batch: Batch[dict[str, Any]], outcomes: Sequence[Outcome], *, differing: int
) -> None:
    """Count the events of a batch. ``outcomes`` are those of its valid records, in order."""
    stored = sum(isinstance(outcome, Stored) for outcome in outcomes)
    committed = [
        event
        for event, outcome in zip(batch.valid.values(), outcomes, strict=True)
        if isinstance(outcome, Committed)
    ]
    count_batch(
        DOMAIN,
        batch.total,
        created=len(committed),
        duplicate=stored - len(committed),
        differing=differing,
        refused=len(batch.errors),
    )
    for event in committed:
        APPENDS.at(event["event_kind"]).add()
