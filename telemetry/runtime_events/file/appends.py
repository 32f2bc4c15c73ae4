"""Appends of one process, one after the other; those that wait go together."""

import time
from threading import Lock

from telemetry.persistence import PersistenceUnavailable
from telemetry.runtime_events.events import Created, Event
from telemetry.runtime_events.file.journal import Journal, Locked

# Who appends waits this long, so that others can join, and other processes have their turn.
JOIN_SECONDS = 0.001


class Appends:
    """Appends for any number of threads. Every method raises PersistenceUnavailable."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[_Ticket] = []
        self._turn = Lock()

    def append(self, events: list[Event]) -> list[Created]:
        """Append the events that are new; return what became of each, in their order.

        Whoever has the turn appends for all who wait, with one lock and one fsync.
        """
        ticket = _Ticket(events)
        self._waiting.append(ticket)
        with self._turn:
            if not ticket.done:
                time.sleep(JOIN_SECONDS)
                self._append_for_all()
        return ticket.take()

    def take_over(self) -> None:
        """Make a file of lines of a document, if that is what there is."""
        with self._turn:
            self._journal.take_over()

    def unreadable_lines(self) -> int | None:
        """Return how many lines hold no event, as far as was read; None: the file is not usable.

        Waits for nobody: while somebody appends, it says what is known.
        """
        if self._turn.acquire(blocking=False):
            try:
                self._journal.look()
            except Locked:
                pass
            except PersistenceUnavailable:
                return None
            finally:
                self._turn.release()
        return self._journal.unreadable

    def _append_for_all(self) -> None:
        tickets, self._waiting = self._waiting, []
        try:
            results = self._journal.append([ticket.events for ticket in tickets])
        except BaseException as error:
            for ticket in tickets:
                ticket.fail(error)
            raise
        for ticket, result in zip(tickets, results, strict=True):
            ticket.finish(result)


class _Ticket:
    """Events that wait to be appended, then what became of them."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.done = False
        self._results: list[Created] = []
        self._error: BaseException | None = None

    def finish(self, results: list[Created]) -> None:
        self.done, self._results = True, results

    def fail(self, error: BaseException) -> None:
        self.done, self._error = True, error

    def take(self) -> list[Created]:
        if self._error is not None:
            raise PersistenceUnavailable(str(self._error)) from self._error
        return self._results
