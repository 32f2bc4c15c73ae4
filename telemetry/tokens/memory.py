"""The valid tokens in the memory of a process, so that no request reads the database for them.

A token that is revoked stops working within MAX_AGE in every process. After REFRESH_AFTER the
next request starts a refresh in the background and uses what is in memory. Only a request that
finds something older than MAX_AGE waits: the first one, and one after a pause.

So does a request with a token that is not in memory, because it may have just been created: a
client must not get 401 in the middle of a rotation. These reads are at least APART from each other,
so a client that guesses tokens costs the database next to nothing.
"""

import logging
from collections.abc import Callable
from math import inf
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import NamedTuple

from telemetry.database.errors import DatabaseUnavailable
from telemetry.http.caller import Caller
from telemetry.tokens.secret import hash_of, may_be_token
from telemetry.tokens.store import NOTE_SECONDS, Read, TokenStore

MAX_AGE = 2.0
REFRESH_AFTER = 1.0
APART = 0.1

logger = logging.getLogger(__name__)


class Known(NamedTuple):
    """The tokens that were valid at a moment, by hash and by name, and those that ended last.

    ``revoked`` has the hashes of those that ended early.
    """

    asked_at: float
    by_hash: dict[bytes, Caller]
    by_name: dict[str, Caller]
    revoked: frozenset[bytes] = frozenset()


class Refresh:
    """One read of the tokens, which any number of requests wait for."""

    def __init__(self) -> None:
        self.done = Event()
        self.failure: Exception | None = None


class TokenMemory:
    """Finds tokens by what was sent, or by name."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self._known = Known(-inf, {}, {})
        self._lock = Lock()
        self._refresh: Refresh | None = None
        self._noted: dict[str, float] = {}
        self._to_note: set[str] = set()
        self._is_noting = False

    def find(self, sent: bytes) -> Caller | None:
        """Return the token that was sent, or None. Raises DatabaseUnavailable while unknown.

        The look-up is by the hash of the token. Its time says something about the hashes that are
        stored, but nothing that helps to guess a token: nobody can choose the hash of a guess.
        """
        if not may_be_token(sent):
            return None
        key = hash_of(sent)
        return self._in_use(self._found(lambda known: known.by_hash.get(key)))

    def named(self, name: str) -> Caller | None:
        """Return the token of this name, or None. Raises DatabaseUnavailable while unknown."""
        return self._in_use(self._found(lambda known: known.by_name.get(name)))

    def ended(self, sent: bytes) -> tuple[str, str] | None:
        """Return the name of a token that has ended, and how: ``expired`` or ``revoked``.

        Returns None for any other text, and for a token that ended long ago.
        """
        known, key = self._known, hash_of(sent)
        found = known.by_hash.get(key)
        if found is None or found.ends > monotonic():
            return None
        return found.name, "revoked" if key in known.revoked else "expired"

    def _found(self, look_up: Callable[[Known], Caller | None]) -> Caller | None:
        asked_at = monotonic()
        return look_up(self._current()) or look_up(self._newer_than(asked_at))

    def _in_use(self, found: Caller | None) -> Caller | None:
        if found is None:
            return None
        now = monotonic()
        if found.ends <= now:
            return None
        if now - self._noted.get(found.name, -inf) > NOTE_SECONDS:
            self._note(found.name, now)
        return found

    def _current(self) -> Known:
        known = self._known
        age = monotonic() - known.asked_at
        if age < REFRESH_AFTER:
            return known
        refresh = self._start_refresh()
        if age < MAX_AGE:
            return known
        refresh.done.wait()
        known = self._known
        if monotonic() - known.asked_at >= MAX_AGE:
            raise refresh.failure or DatabaseUnavailable("the tokens could not be read in time")
        return known

    def _newer_than(self, moment: float) -> Known:
        """Return what was read after the moment. Raises what the read raises."""
        while (known := self._known).asked_at < moment:
            refresh = self._start_refresh()
            refresh.done.wait()
            if refresh.failure:
                raise refresh.failure
        return known

    def _start_refresh(self) -> Refresh:
        with self._lock:
            refresh = self._refresh
            if refresh is not None:
                return refresh
            refresh = self._refresh = Refresh()
        _in_background(self._read, refresh)
        return refresh

    def _read(self, refresh: Refresh) -> None:
        sleep(max(0.0, min(APART, self._known.asked_at + APART - monotonic())))
        try:
            self._known = _known(self._store.list_valid())
        except Exception as error:
            refresh.failure = error
        finally:
            with self._lock:
                self._refresh = None
            refresh.done.set()

    def _note(self, name: str, now: float) -> None:
        """Have the use stored in the background. It may fail: the request goes on."""
        self._noted[name] = now
        with self._lock:
            self._to_note.add(name)
            starts, self._is_noting = not self._is_noting, True
        if starts:
            _in_background(self._write_notes)

    def _write_notes(self) -> None:
        while names := self._take_names():
            try:
                self._store.note_use(sorted(names))
            except Exception as error:
                logger.info("The use of tokens is not stored: %s", error)

    def _take_names(self) -> set[str]:
        with self._lock:
            names, self._to_note = self._to_note, set()
            self._is_noting = bool(names)
            return names


def _known(read: Read) -> Known:
    callers = [
        Caller(
            name=row["name"],
            scopes=frozenset(row["scopes"]),
            tenants=None if row["tenants"] is None else frozenset(row["tenants"]),
            agents=row["agents"],
            # By the clock of the database, which is one for all processes.
            ends=inf if row["seconds_left"] is None else read.asked_at + row["seconds_left"],
            hash=bytes(row["hash"]),
        )
        for row in read.rows
    ]
    return Known(
        read.asked_at,
        {it.hash: it for it in callers},
        {it.name: it for it in callers},
        frozenset(bytes(row["hash"]) for row in read.rows if row["is_revoked"]),
    )


def _in_background(work: Callable[..., None], *args: object) -> None:
    """Start the work in a thread; gevent makes it a greenlet."""
    Thread(target=work, args=args, daemon=True).start()
