"""What the client counts, and its warnings: each is logged once."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from contextlib import suppress

logger = logging.getLogger("telemetry.client")


# Names of fields that do not exist come from the agent, which may make up any number of them.
_MOST_WARNINGS = 1000


class Notices:
    """Counters of a client, and the warnings that it has logged."""

    def __init__(self, strict: bool = False) -> None:
        self._strict = strict
        self._lock = threading.RLock()
        self._counts: Counter[str] = Counter()
        self._warned: set[str] = set()
        self._kept: deque[tuple[str, tuple[object, ...]]] = deque()

    def count(self, name: str, by: int = 1) -> None:
        """Count something that happened."""
        with self._lock:
            self._counts[name] += by

    def warn(self, name: str, message: str, *arguments: object) -> None:
        """Log a warning, once under this name. The caller holds no lock of the client."""
        self.keep(name, message, *arguments)
        self.log_kept()

    def keep(self, name: str, message: str, *arguments: object) -> None:
        """Keep a warning, once under this name, to be logged when the caller holds no lock.

        A handler of the agent may hold a lock of its own, and wait for one of the client.
        """
        if name not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add(name)
            self._kept.append((message, arguments))

    def log_kept(self) -> None:
        """Log the warnings that were kept."""
        while self._kept:
            with suppress(Exception):  # of a handler or a filter of the agent
                message, arguments = self._kept.popleft()
                logger.warning(message, *arguments)

    def mistake(self, name: str, message: str, *arguments: object) -> None:
        """Keep a warning of a call that cannot mean what it says; with ``strict``, ValueError."""
        if self._strict:
            raise ValueError(message % arguments)
        self.keep(name, message, *arguments)

    def failed(self, what: str, error: Exception) -> None:
        """Count and log a failure of the client itself. The agent goes on."""
        self.count("failures")
        self.warn(f"failed {what}", "%s failed: %r", what, error)

    def again(self, name: str) -> None:
        """Let the next warning under this name be logged: what it warned of is over."""
        self._warned.discard(name)

    def snapshot(self) -> dict[str, int]:
        """Return the counts."""
        with self._lock:
            return dict(self._counts)

    def after_fork(self) -> None:
        """Begin from nothing in a process that was forked."""
        self.__init__(self._strict)  # type: ignore[misc]
