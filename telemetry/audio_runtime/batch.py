"""Reading a batch of events; one bad record blocks no other."""

from typing import Any, NamedTuple

from telemetry.audio_runtime.refusals import FIELDS_INVALID
from telemetry.audio_runtime.schema import load_event
from telemetry.http.error_shape import Problem, batch_error
from telemetry.payloads.batch import load_records
from telemetry.payloads.records import read_records

MAX_BATCH = 1000


class EventBatch(NamedTuple):
    """The records of one request: the valid ones by index, the problems of the others."""

    total: int
    valid: dict[int, dict[str, Any]]
    errors: list[dict[str, Any]]


def read_events() -> EventBatch:
    """Read the request's batch. Raises Invalid for a body that is not a batch, or is too large."""
    records = read_records("events", MAX_BATCH)
    batch = EventBatch(len(records), {}, [])

    def fail(index: int, _: Any, problems: list[Problem]) -> None:
        batch.errors.append(batch_error(index, "reason_code", FIELDS_INVALID, problems))

    batch.valid.update(load_records(records, load_event, fail))
    return batch
