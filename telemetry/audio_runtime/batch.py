"""Reading a batch of events. A bad record does not block the others."""

from typing import Any

from telemetry.audio_runtime.refusals import FIELDS_INVALID
from telemetry.audio_runtime.schema import MAX_BATCH, load_event
from telemetry.http.error_shape import Problem
from telemetry.payloads.batch import Batch, load_records
from telemetry.payloads.records import read_records


def read_events() -> Batch[dict[str, Any]]:
    """Read the request's batch. Raises Invalid for a body that is not a batch, or is too large."""
    records = read_records("events", MAX_BATCH)
    batch: Batch[dict[str, Any]] = Batch("reason_code", total=len(records))

    def fail(index: int, _: Any, problems: list[Problem]) -> None:
        batch.add_error(index, FIELDS_INVALID, problems)

    batch.valid.update(load_records(records, load_event, fail))
    return batch
