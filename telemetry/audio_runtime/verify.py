"""Checking the ledger: its chains, its heads, its audit rows and its projection."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain, islice
from queue import SimpleQueue
from time import sleep

from telemetry.audio_runtime.check import Wanted, check, check_fast
from telemetry.audio_runtime.checkers import (
    Checker,
    Connect,
    connection_checker,
    process_checker,
)
from telemetry.audio_runtime.devices import Scope, fetch_on, name_of, pages
from telemetry.audio_runtime.finding import Finding
from telemetry.audio_runtime.kept_heads import Head, Heads
from telemetry.audio_runtime.proof.canonical import FIRST_HASH

# Devices that one job checks in one snapshot.
PAGE = 50

Page = tuple[list[tuple[str, str]], list[Finding]]


class NothingToVerify(Exception):
    """No table names a device in the scope; the message says so."""


def verify(  # noqa: PLR0913 - by name, all but the first two
    connect: Connect,
    scope: Scope,
    *,
    kept: Heads,
    since: Heads,
    jobs: int = 1,
    fast: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Finding]:
    """Yield the findings about the devices in the scope, by device, the first event first.

    ``kept`` are heads to compare with. Of a device in ``since``, that head and the events after
    it are checked. Each page of devices is checked in one snapshot, so writers do not disturb it.
    ``jobs`` pages are checked at a time, each in its own process, so ``connect`` must be
    picklable. ``fast`` lets the functions stored in the database compute instead, and trusts
    them. ``say`` is called with the progress. Raises psycopg.Error, CheckerLost, ValueError for
    rows in a wrong order, and NothingToVerify for a scope without devices.
    """
    missing = {name for name in (*kept, *since) if scope.includes(*name)}
    checked = 0
    for page, found in _pages(connect, scope, kept, since, jobs=jobs, fast=fast):
        missing.difference_update(page)
        yield from found
        checked += len(page)
        say(f"{checked:,} devices checked")
    if not (checked or missing) and scope != Scope():
        raise NothingToVerify(f"there is no {scope}")
    for name in sorted(missing):
        head = kept.get(name) or since[name]
        yield Finding(*name, head.event_id, "kept_event_missing")


def _pages(  # noqa: PLR0913 - the arguments of verify
    connect: Connect, scope: Scope, kept: Heads, since: Heads, *, jobs: int, fast: bool
) -> Iterator[Page]:
    """Yield the names of each page's devices and what was found, in the order of the pages."""
    with ExitStack() as opened:
        listing = opened.enter_context(connect())

        listed = pages(fetch_on(listing), scope, PAGE)
        first = [*islice(listed, 2)]
        if len(first) < 2:
            jobs = 1  # a second job would have no page
        checker = connection_checker if fast or jobs == 1 else process_checker
        checkers = [
            opened.enter_context(checker(connect, check_fast if fast else check))
            for _ in range(jobs)
        ]
        names = ([name_of(row) for row in page] for page in chain(first, listed))
        wanted = ((page, [_wanted(name, kept, since) for name in page]) for page in names)
        yield from _checked(checkers, wanted)


def _checked(
    checkers: list[Checker], wanted: Iterator[tuple[list[tuple[str, str]], list[Wanted]]]
) -> Iterator[Page]:
    """Yield what the checkers found, each of which checks one page at a time."""
    free: SimpleQueue[Checker] = SimpleQueue()
    for checker in checkers:
        free.put(checker)

    def check_page(devices: list[Wanted]) -> list[Finding]:
        checker = free.get()
        try:
            return checker.check(devices)
        finally:
            free.put(checker)

    running: deque[tuple[list[tuple[str, str]], Future[list[Finding]]]] = deque()
    with ThreadPoolExecutor(len(checkers)) as pool:
        try:
            for names, devices in wanted:
                running.append((names, pool.submit(check_page, devices)))
                if len(running) > len(checkers):
                    done, future = running[0]
                    yield done, future.result()
                    running.popleft()
            for done, future in running:
                yield done, future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _cancel([future for _, future in running], checkers)
            raise


def _cancel(futures: list[Future[list[Finding]]], checkers: list[Checker]) -> None:
    """End the checks, each of which may take minutes, or wait for a lock."""
    while not all(future.done() for future in futures):
        for checker in checkers:
            checker.cancel()
        sleep(0.1)  # a check between two statements does not notice


def _wanted(name: tuple[str, str], kept: Heads, since: Heads) -> Wanted:
    start = since.get(name) or Head(None, FIRST_HASH.hex())
    compare = kept.get(name) or since.get(name) or Head(None, None)
    return {
        "tenant_id": name[0],
        "device_id": name[1],
        "after": start.event_id,
        "row_hash": start.row_hash,
        "kept_event_id": compare.event_id,
        "kept_row_hash": compare.row_hash,
    }
