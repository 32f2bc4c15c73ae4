"""What a response says of an event: the same for a single append and for a batch."""

from typing import Any, NamedTuple

from telemetry.audio_runtime import refusals
from telemetry.audio_runtime.outcomes import (
    Committed,
    Outcome,
    Refused,
    RefusedByConstraint,
    Stored,
)
from telemetry.audio_runtime.refusals import RefusalError
from telemetry.http.error_shape import batch_error, integrity_error
from telemetry.http.errors import ApiError


class Success(NamedTuple):
    """An event that is in the ledger; ``status`` is that of a response about this event alone."""

    status: int
    fields: dict[str, Any]


class Failure(NamedTuple):
    """An event that was refused; ``status`` is that of a response about this event alone."""

    status: int
    reason_code: str
    detail: str


def success_of(outcome: Stored) -> Success:
    """Return what a response says of an event that is in the ledger."""
    if isinstance(outcome, Committed):
        return Success(201, {"status": "committed", "event_id": outcome.event_id})
    differs = {"differs": outcome.differs} if outcome.differs else {}
    return Success(200, {"status": "duplicate", "event_id": outcome.event_id, **differs})


def failure_of(outcome: Refused | RefusedByConstraint, event: dict[str, Any]) -> Failure:
    """Return what a response says of an event that was refused."""
    if isinstance(outcome, RefusedByConstraint):
        return Failure(400, refusals.FIELDS_INVALID, integrity_error(outcome.constraint))
    reason = outcome.reason_code
    return Failure(refusals.STATUSES[reason], reason, refusals.detail(reason, event))


def entry_of(index: int, outcome: Outcome, event: dict[str, Any]) -> dict[str, Any]:
    """Return the entry in a batch's ``results`` or ``errors``."""
    if isinstance(outcome, Stored):
        return {"index": index, **success_of(outcome).fields}
    failure = failure_of(outcome, event)
    return batch_error(index, "reason_code", failure.reason_code, failure.detail)


def reason_for_log(entry: dict[str, Any]) -> Any:
    """Return what the log line of a batch says of an entry of ``errors``.

    That is the reason code, which is the same for all devices, unless the detail says more.
    """
    code = entry["reason_code"]
    return entry["detail"] if code == refusals.FIELDS_INVALID else code


def error_of(outcome: Refused | RefusedByConstraint, event: dict[str, Any]) -> ApiError:
    """Return the error response about this event alone."""
    status, reason, detail = failure_of(outcome, event)
    if isinstance(outcome, RefusedByConstraint):
        # No reason code, as in the other rooms; the entry of a batch cannot do without one.
        return ApiError(status, detail, log=f"[ERROR] {detail}")
    return RefusalError(reason, detail, status)
