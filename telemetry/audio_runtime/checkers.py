"""Who checks a page of devices: a connection of this process, or another process with its own."""

import logging
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection as Pipe
from typing import Protocol

from telemetry.audio_runtime.check import Check, Wanted, use_snapshots
from telemetry.audio_runtime.finding import Finding
from telemetry.database.connection import Connection

# Opens a connection. For a process it must be picklable.
Connect = Callable[[], Connection]


class Checker(Protocol):
    """Checks a page at a time."""

    def check(self, wanted: list[Wanted]) -> list[Finding]:
        """Return what is wrong with the devices. Raises what the check raises."""

    def cancel(self) -> None:
        """End the check that runs, if there is one, from another thread."""


class CheckerLost(Exception):
    """The process that checked ended without a result; the message is one line."""


@contextmanager
def connection_checker(connect: Connect, check: Check) -> Iterator[Checker]:
    """Open a connection whose server or this process checks, until the context ends."""
    with connect() as connection:
        use_snapshots(connection)
        yield _ConnectionChecker(connection, check)


@contextmanager
def process_checker(connect: Connect, check: Check) -> Iterator[Checker]:
    """Start a process that checks, with a connection of its own, until the context ends.

    ``check`` computes in Python, of which one process uses one core.
    """
    # A new interpreter: a fork would copy this process's connections and locks.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, connect, check), daemon=True)
    # A terminal interrupts all processes of a command; this one decides for all of them.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    theirs.close()  # so that its end ends what this process waits for
    try:
        yield _ProcessChecker(process.terminate, ours)
    finally:
        ours.close()
        process.join()


class _ConnectionChecker:
    def __init__(self, connection: Connection, check: Check) -> None:
        self._connection = connection
        self._check = check

    def check(self, wanted: list[Wanted]) -> list[Finding]:
        return self._check(self._connection, wanted)

    def cancel(self) -> None:
        self._connection.cancel_safe(timeout=5)


class _ProcessChecker:
    def __init__(self, terminate: Callable[[], None], pipe: Pipe) -> None:
        self._terminate = terminate
        self._pipe = pipe

    def check(self, wanted: list[Wanted]) -> list[Finding]:
        try:
            self._pipe.send(wanted)
            result = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise CheckerLost("a process that checked was ended") from error
        if isinstance(result, Exception):
            raise result
        found: list[Finding] = result
        return found

    def cancel(self) -> None:
        self._terminate()


def _serve(pipe: Pipe, connect: Connect, check: Check) -> None:
    """Check what is sent until the other end is closed; send findings, or the exception."""
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # what it warns of is raised
    # Interrupted, the driver cancels the statement, which may wait for a lock.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(EOFError, OSError, KeyboardInterrupt):
        try:
            with connection_checker(connect, check) as checker:
                while True:
                    pipe.send(checker.check(pipe.recv()))
        except (EOFError, OSError):
            raise
        except Exception as error:
            pipe.send(error)  # raised again at the other end
