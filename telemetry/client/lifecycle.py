"""What happens to clients when the process forks, and when the interpreter ends."""

from __future__ import annotations

import atexit
import os
import sys
import time
import weakref
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from telemetry.client.reporter import Reporter
    from telemetry.client.sending.sender import Sender

_senders: weakref.WeakKeyDictionary[Sender, float] = weakref.WeakKeyDictionary()
_clients: weakref.WeakSet[Reporter] = weakref.WeakSet()


class Part(Protocol):
    """What reports through a client and keeps something in memory."""

    def at_exit(self) -> None:
        """Record what is in memory."""

    def after_fork(self) -> None:
        """Begin from nothing in a process that was forked."""


_parts: weakref.WeakSet[Part] = weakref.WeakSet()


def register(client: Reporter, sender: Sender, exit_seconds: float) -> None:
    """Take care of a client and its sender, which may outlive it."""
    _clients.add(client)
    _senders[sender] = exit_seconds
    weakref.finalize(client, sender.retire).atexit = False


def attend(part: Part) -> None:
    """Take care of a part, which may record something when the interpreter ends."""
    _parts.add(part)


def _at_exit() -> None:
    for part in list(_parts):
        part.at_exit()
    begun = time.monotonic()
    for sender, seconds in list(_senders.items()):
        sender.at_exit(max(0.0, seconds - (time.monotonic() - begun)))


def _after_fork() -> None:
    for sender in list(_senders):
        sender.after_fork()
    for client in list(_clients):
        client.after_fork()
    for part in list(_parts):
        part.after_fork()


class _Multiprocessing:
    """Makes the children of multiprocessing flush: they end without ``atexit``."""

    def __init__(self) -> None:
        self._is_known = False

    def before_fork(self) -> None:
        """Register for the child, if the module is in use at all: it takes long to import."""
        util: Any = sys.modules.get("multiprocessing.util")
        if util is not None and not self._is_known:
            self._is_known = True
            util.register_after_fork(self, lambda _: util.Finalize(None, _at_exit, exitpriority=1))


_multiprocessing = _Multiprocessing()
atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_multiprocessing.before_fork, after_in_child=_after_fork)
