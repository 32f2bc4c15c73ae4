"""The files of a spool: one folder for all processes that report to one service.

Each client of each process has a *stream*: a lock file, and segments of JSON Lines::

    <stream>.lock            locked while its owner lives; holds the position: what is acknowledged
    <stream>-00000001.jsonl  a segment; the highest number is the one that is written

A stream whose lock is free belongs to a process that died. The process that takes the lock sends
what is left, in order, and deletes it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from telemetry.client.spool.locks import try_lock

SEGMENT_BYTES = 4 * 1024 * 1024
_SEGMENT = re.compile(r"(?P<stream>.+)-(?P<number>\d{8})\.jsonl")
_LOCK = ".lock"
_NEW = ".new"
_POSITION_BYTES = 26
# A lock file whose owner was killed before it gave the file its name.
_ABANDONED_SECONDS = 10

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


class Position(NamedTuple):
    """Everything before this byte of this segment was acknowledged."""

    segment: int
    offset: int


class Lock:
    """The lock file of a stream, locked by this process."""

    def __init__(self, file: Path, opened: int) -> None:
        self._file, self._opened = file, opened

    def read(self) -> Position:
        """Return the position; the beginning when there is no valid one."""
        os.lseek(self._opened, 0, os.SEEK_SET)
        found = re.fullmatch(rb"(\d{8}) (\d{16})\n", os.read(self._opened, _POSITION_BYTES))
        return Position(int(found[1]), int(found[2])) if found else Position(0, 0)

    def write(self, position: Position) -> None:
        """Remember the position. Losing it does no harm: records are sent again."""
        with suppress(OSError):  # the disk may be full
            os.lseek(self._opened, 0, os.SEEK_SET)
            os.write(self._opened, b"%08d %016d\n" % position)

    def release(self) -> None:
        """Let another process have the stream."""
        os.close(self._opened)

    def delete(self) -> None:
        """Delete the file of a stream that has no segments left, and release it."""
        self._file.unlink(missing_ok=True)
        os.close(self._opened)


class Stream:
    """One stream of the folder, locked by this process."""

    def __init__(self, folder: Path, name: str, lock: Lock) -> None:
        self.folder, self.name, self.lock = folder, name, lock

    @classmethod
    def create(cls, folder: Path, name: str) -> Stream:
        """Create a stream. Raises OSError."""
        # The file has its name only once it is locked: others would take it for abandoned.
        new = folder / f"{name}{_NEW}"
        opened = os.open(
            new, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
        )
        try_lock(opened)
        file = folder / f"{name}{_LOCK}"
        new.rename(file)
        return cls(folder, name, Lock(file, opened))

    def path(self, number: int) -> Path:
        """Return the path of a segment."""
        return self.folder / f"{self.name}-{number:08}.jsonl"

    def open_to_write(self, number: int) -> int:
        """Open a new segment. Raises OSError."""
        return os.open(self.path(number), _APPEND, 0o600)

    def open_to_read(self, number: int) -> int:
        """Open a segment. Raises OSError."""
        return os.open(self.path(number), _READ)

    def numbers(self) -> list[int]:
        """Return the numbers of its segments, in order."""
        return sorted(number for number, _ in list_segments(self.folder).get(self.name, []))


def list_segments(folder: Path) -> dict[str, list[tuple[int, int]]]:
    """Return number and size of each segment, by stream."""
    found: dict[str, list[tuple[int, int]]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if segment := _SEGMENT.fullmatch(entry.name):
                try:
                    size = entry.stat().st_size
                except OSError:
                    continue  # deleted meanwhile
                found.setdefault(segment["stream"], []).append((int(segment["number"]), size))
    return found


def abandoned(folder: Path) -> Iterator[Stream]:
    """Lock and yield each stream whose owner died. Raises OSError.

    Streams of which nothing is left are deleted.
    """
    for file in sorted(folder.glob(f"*{_LOCK}")):
        if lock := _take(file):
            # Listed with the lock held: its owner may have begun a segment just before it died.
            if (stream := Stream(folder, file.stem, lock)).numbers():
                yield stream
            else:
                lock.delete()
    yield from _without_lock(folder)
    _delete_unfinished(folder)


def _without_lock(folder: Path) -> Iterator[Stream]:
    """Yield the streams whose lock file somebody deleted."""
    for name in sorted(list_segments(folder)):
        if not (folder / f"{name}{_LOCK}").exists():
            with suppress(FileExistsError):  # another process was faster
                stream = Stream.create(folder, name)
                if stream.numbers():
                    yield stream
                else:
                    stream.lock.delete()


def _take(file: Path) -> Lock | None:
    """Return the lock when no process holds it. Files of other users are not taken."""
    try:
        opened = os.open(file, os.O_RDWR | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        # Another process may have finished the stream, and deleted the file, since it was opened.
        if try_lock(opened) and os.path.samestat(os.fstat(opened), os.stat(file)):
            return Lock(file, opened)
    except OSError:
        pass
    os.close(opened)
    return None


def _delete_unfinished(folder: Path) -> None:
    for file in folder.glob(f"*{_NEW}"):
        try:
            if time.time() - file.stat().st_mtime > _ABANDONED_SECONDS:
                file.unlink()
        except OSError:
            pass
