"""Why the ledger refuses a request: each reason code with its status and its text."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from telemetry.audio_runtime.finding import REBUILD_INTEGRITY
from telemetry.http.error_shape import Problem
from telemetry.http.errors import ApiError, Invalid

FIELDS_INVALID = "K_FAIL_EVENT_FIELDS_INVALID"
DEVICE_UNBOUND = "K_FAIL_DEVICE_UNBOUND"
SESSION_INVALID = "K_FAIL_SESSION_INVALID"
TENANT_SCOPE_MISMATCH = "K_FAIL_TENANT_SCOPE_MISMATCH"

STATUSES = {
    DEVICE_UNBOUND: 404,
    SESSION_INVALID: 404,
    TENANT_SCOPE_MISMATCH: 403,
    REBUILD_INTEGRITY: 409,
}

DETAILS = {
    DEVICE_UNBOUND: "Device {device_id} is not bound to tenant {tenant_id}",
    SESSION_INVALID: "Session {session_id} is not one of tenant {tenant_id}",
    TENANT_SCOPE_MISMATCH: "Device {device_id} is bound to another tenant than {tenant_id}",
    REBUILD_INTEGRITY: "The ledger of device {device_id} contradicts itself; run verify",
}


class RefusalError(ApiError):
    """A refusal with its reason code."""

    def __init__(self, reason: str, detail: str, status: int | None = None) -> None:
        super().__init__(status or STATUSES[reason], detail, reason_code=reason)


class FieldsInvalid(Invalid):
    """422 with the reason code of bad fields."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems, reason_code=FIELDS_INVALID)


def detail(reason: str, event: Mapping[str, Any]) -> str:
    """Return the text for an event that was refused."""
    return DETAILS[reason].format(**{"session_id": None, **event})


@contextmanager
def refusing_fields() -> Iterator[None]:
    """Add the reason code of bad fields to an Invalid that is raised in the context."""
    try:
        yield
    except FieldsInvalid:
        raise
    except Invalid as invalid:
        raise FieldsInvalid(invalid.problems) from invalid
