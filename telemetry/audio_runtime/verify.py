"""Checking the ledger: its chains, its heads, its audit rows and its projection."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from time import sleep
from typing import Any

from psycopg import IsolationLevel

from telemetry.audio_runtime.devices import Scope, name_of, pages
from telemetry.audio_runtime.finding import Finding
from telemetry.audio_runtime.kept_heads import Head, Heads
from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.database import SET_UP_TRANSACTION, Row
from telemetry.database.values import as_json

SET_UP = statements.load("audio_runtime/verify_set_up")
CHECKS = (
    statements.load("audio_runtime/verify_events"),
    statements.load("audio_runtime/verify_heads"),
    statements.load("audio_runtime/verify_sessions"),
    statements.load("audio_runtime/verify_current"),
)

# Devices looked at in one snapshot, by one of several jobs.
PAGE = 50

# A device rewritten from one end to the other need not be told row by row.
MAX_FINDINGS = 20

FIRST_HASH = "00" * 32


class NothingToVerify(Exception):
    """No table speaks of what the scope names; the message says so."""


def verify(  # noqa: PLR0913 - by name, all but the first two
    connect: Callable[[], Connection],
    scope: Scope,
    *,
    kept: Heads,
    since: Heads,
    jobs: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Finding]:
    """Yield what is wrong with the devices in the scope; by device, first event first.

    ``kept`` are heads to compare with; of a device in ``since`` only what came after that head
    is checked, and the head itself. Each page of devices is one snapshot, so writers do not
    disturb it; ``jobs`` pages are checked at a time. ``say`` is told of the progress. Raises
    psycopg.Error, or NothingToVerify for a scope that names nothing.
    """
    missing = {name for name in (*kept, *since) if scope.includes(*name)}
    checked = 0
    for page, found in _pages(connect, scope, kept, since, jobs):
        missing.difference_update(page)
        yield from found
        checked += len(page)
        say(f"{checked:,} devices checked")
    if not (checked or missing) and scope != Scope():
        raise NothingToVerify(f"there is no {scope}")
    for name in sorted(missing):
        head = kept.get(name) or since[name]
        yield Finding(*name, head.event_id, "kept_event_missing")


def _pages(
    connect: Callable[[], Connection], scope: Scope, kept: Heads, since: Heads, jobs: int
) -> Iterator[tuple[list[tuple[str, str]], list[Finding]]]:
    """Yield the names of each page's devices and what was found, in the order of the pages."""
    free: SimpleQueue[Connection] = SimpleQueue()

    def check(names: list[tuple[str, str]]) -> list[Finding]:
        connection = free.get()
        try:
            return _verify(connection, [_wanted(name, kept, since) for name in names])
        finally:
            free.put(connection)

    with ExitStack() as opened:
        listing, *checking = [opened.enter_context(connect()) for _ in range(jobs + 1)]
        for connection in checking:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            free.put(connection)
        pool = opened.enter_context(ThreadPoolExecutor(jobs))
        running: deque[tuple[list[tuple[str, str]], Future[list[Finding]]]] = deque()

        def fetch(statement: bytes, parameters: dict[str, Any]) -> list[Row]:
            return listing.execute(statement, parameters, prepare=False).fetchall()

        try:
            for page in pages(fetch, scope, PAGE):
                names = [name_of(row) for row in page]
                running.append((names, pool.submit(check, names)))
                if len(running) > jobs:
                    done, future = running[0]
                    yield done, future.result()
                    running.popleft()
            for done, future in running:
                yield done, future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _cancel([future for _, future in running], checking)
            raise


def _cancel(futures: list[Future[list[Finding]]], connections: list[Connection]) -> None:
    """End the checks, each of which may take minutes, or wait for somebody's lock."""
    while not all(future.done() for future in futures):
        for connection in connections:
            connection.cancel_safe(timeout=5)
        sleep(0.1)  # a check between two statements has not heard of it


def _verify(connection: Connection, wanted: list[dict[str, Any]]) -> list[Finding]:
    parameters = {"devices": as_json(wanted), "findings": MAX_FINDINGS}
    with connection.transaction():
        connection.execute(SET_UP_TRANSACTION, {"time_limit": "0"})
        connection.execute(SET_UP)
        found = [
            Finding(**row)
            for check in CHECKS
            for row in connection.execute(check, parameters, prepare=False)
        ]
    return sorted(found, key=_order)


def _order(finding: Finding) -> tuple[Any, ...]:
    """By device and event; what is derived from the ledger after the ledger itself.

    A projection that differs names the newest event, in which nothing need be wrong; and of one
    event, what its own row says comes first.
    """
    return (
        finding.tenant_id,
        finding.device_id,
        finding.problem.startswith("projection_"),
        finding.event_id is not None,
        finding.event_id or 0,
        finding.problem != "row_hash_wrong",
    )


def _wanted(name: tuple[str, str], kept: Heads, since: Heads) -> dict[str, Any]:
    start = since.get(name) or Head(None, FIRST_HASH)
    compare = kept.get(name) or since.get(name) or Head(None, None)
    return {
        "tenant_id": name[0],
        "device_id": name[1],
        "after": start.event_id,
        "row_hash": start.row_hash,
        "kept_event_id": compare.event_id,
        "kept_row_hash": compare.row_hash,
    }
