"""What happens to clients when the process forks, and when the interpreter ends."""

from __future__ import annotations

import atexit
import os
import time
import weakref
from typing import TYPE_CHECKING, Protocol

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


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
