"""A write and its read through the statements of requests, in a transaction that is rolled back.

Nothing stays: no row, no count, no change of a feed or of the change token. The sequences give
numbers that no row keeps, as for any transaction that fails. No promise rests on numbers without
gaps: a chain links the events that exist, and a follower waits for the rows of a lane, whose lock
the trial holds for a moment, and not for numbers. The device has a random name, so no lock of
another device is taken.
"""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import monotonic

from telemetry.audio_runtime.outcomes import Committed
from telemetry.audio_runtime.store import GET_CURRENT, lock_and_append, put_device
from telemetry.database.connection import Connection
from telemetry.database.errors import IntegrityViolation
from telemetry.database.values import Keyed, as_json
from telemetry.doctor.finding import Finding, ok, problem
from telemetry.doctor.subject import Subject, database_errors
from telemetry.runs.store import GET as GET_RUN
from telemetry.runs.writes import insert as insert_runs
from telemetry.runtime_events.events import event_to_store
from telemetry.runtime_events.store import CREATE as CREATE_EVENTS
from telemetry.runtime_events.store import GET as GET_EVENT
from telemetry.timestamps import utc_text

CHECK = "write"

NAMES = {
    "agent_runs": "a run",
    "runtime_events": "a runtime event",
    "audio_runtime": "a device with a ledger event",
}

FIX = "look for triggers, constraints and policies that are not of the service"


def check_write(subject: Subject) -> Iterator[Finding]:
    """Yield whether a record of each domain is written and read back."""
    for domain in subject.domains:
        started = monotonic()
        lost = True
        with database_errors(CHECK):
            try:
                lost = not subject.database.transact(lambda it, d=domain: _try(it, WRITES[d]))  # type: ignore[misc]
            except IntegrityViolation as error:
                says = f"a constraint refuses {NAMES[domain]}: {error.constraint}"
                yield problem(CHECK, says, FIX)
                continue
        if lost:
            says = f"{NAMES[domain]} was written without an error, and can't be read back"
            yield problem(CHECK, says, FIX)
        else:
            milliseconds = (monotonic() - started) * 1000
            says = f"{NAMES[domain]} was written, read and rolled back in {milliseconds:.0f} ms"
            yield ok(CHECK, says)


def _try(connection: Connection, write: Callable[[Connection, str], bool]) -> bool:
    """Return whether what was written can be read; nothing of it stays."""
    with connection.transaction(force_rollback=True):
        return write(connection, f"doctor-{uuid.uuid4().hex}")


def _run(connection: Connection, name: str) -> bool:
    run = {
        "event_id": name,
        "run_id": name,
        "agent_name": "doctor",
        "job_type": "doctor",
        "start_time": utc_text(datetime.now(UTC)),
    }
    insert_runs(connection, [Keyed(name, as_json(run))])
    found = connection.execute(
        GET_RUN, {"event_id": name, "agents": None, "stale_after": "1h"}
    ).fetchone()
    return found is not None and found["agent_name"] == "doctor"


def _runtime_event(connection: Connection, name: str) -> bool:
    sent = {"id": name, "source": "worker", "endpoint": "/doctor", "runtime_ms": 1.5}
    connection.execute(CREATE_EVENTS, {"events": as_json([event_to_store(sent, 0.0)])})
    found = connection.execute(GET_EVENT, {"id": name}).fetchone()
    return found is not None and found["endpoint"] == "/doctor"


def _ledger_event(connection: Connection, name: str) -> bool:
    device = {"tenant_id": "doctor", "device_id": name}
    event = {
        **device,
        "event_kind": "VAD_EVENT",
        "created_at": 0,
        "idempotency_key": name,
        "processed_stream_id": name[:64],
    }
    put_device(connection, {**device, "device_type": None})
    [outcome] = lock_and_append(connection, [event])
    found = connection.execute(GET_CURRENT, device).fetchone()
    return isinstance(outcome, Committed) and found is not None


WRITES: dict[str, Callable[[Connection, str], bool]] = {
    "agent_runs": _run,
    "runtime_events": _runtime_event,
    "audio_runtime": _ledger_event,
}
