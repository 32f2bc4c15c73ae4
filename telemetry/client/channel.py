"""The path of a line from the client to the service: spool, sender, connection."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from telemetry.client import ids
from telemetry.client.notices import Notices
from telemetry.client.sending.heartbeats import Heartbeats
from telemetry.client.sending.sender import Sender
from telemetry.client.sending.transport import Token, Transport
from telemetry.client.spool.rejected import Rejected
from telemetry.client.spool.writer import Spool

# What is kept while the folder cannot be written.
MEMORY_BYTES = 16 * 1024 * 1024

# The part of the bound up to which each kind of record may fill the spool. A run's end is the last
# to be dropped: it alone says everything.
ENDS = 1.0
STARTS = 0.9
REPORTS = 0.8


@dataclass(frozen=True)
class Settings:
    """Where a channel sends to, and how."""

    url: str
    token: Token
    folder: Path
    max_bytes: int
    durable: bool
    heartbeat_seconds: float
    user_agent: str


class Channel:
    """Appends lines to the spool of one service, and sends them in the background."""

    def __init__(
        self,
        settings: Settings,
    ) -> None:
        self.notices = Notices()
        self.transport = Transport(settings.url, settings.token, settings.user_agent)
        if not self.transport.has_url:
            self.notices.warn(
                "url", "the URL of the service must be http(s)://HOST[:PORT]: records are kept"
            )
        folder = settings.folder
        self.spool = Spool(
            folder,
            self.notices,
            max_bytes=settings.max_bytes,
            durable=settings.durable,
            memory_bytes=min(MEMORY_BYTES, settings.max_bytes),
        )
        self.rejected = Rejected(folder, self.notices)
        self.heartbeats = Heartbeats(self.transport, settings.heartbeat_seconds)
        self.sender = Sender(
            self.spool, self.transport, self.rejected, self.notices, self.heartbeats
        )
        self.generation = 1  # of processes: a fork begins another one
        self.lock = threading.RLock()

    def append(self, line: str, share: float) -> bool:
        """Append a line with its line feed; return whether there was room."""
        appended = self.spool.append(line.encode(), share)
        if not self.sender.running:
            self.sender.start()
        return appended

    def counters(self) -> dict[str, int]:
        """Return what was counted, and how much is waiting."""
        return {
            "appended": self.spool.appended,
            "spool_bytes": self.spool.used,
            "in_memory_bytes": self.spool.in_memory,
            **self.notices.snapshot(),
        }

    def after_fork(self) -> None:
        """Begin from nothing in a process that was forked. The sender does its part itself."""
        ids.after_fork()
        self.generation += 1
        self.lock = threading.RLock()
