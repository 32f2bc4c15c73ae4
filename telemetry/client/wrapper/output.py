"""Passing the output of a command on, and keeping its end."""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Sequence
from typing import IO

_AT_ONCE = 64 * 1024
_CUT = "…"


class Tail:
    """The end of an output. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most, self._kept, self._is_cut = max(most, 0), bytearray(), False
        self._lock = threading.Lock()

    def add(self, data: bytes) -> None:
        """Add what was written."""
        with self._lock:
            self._kept += data
            if len(self._kept) > self._most:
                self._is_cut = True
            if len(self._kept) > self._most + _AT_ONCE:
                del self._kept[: -self._most or None]

    def text(self) -> str:
        """Return the end as text. It begins with a whole line if it has more than one."""
        with self._lock:
            kept = bytes(self._kept[max(len(self._kept) - self._most, 0) :])
            is_cut = self._is_cut
        if not is_cut:
            return kept.decode("utf-8", "replace")
        first_end = kept.find(b"\n", 0, len(kept) - 1)
        return _CUT + kept[first_end + 1 :].decode("utf-8", "replace")


def pass_on(source: IO[bytes], target: int, tails: Sequence[Tail]) -> None:
    """Write to ``target`` what comes from ``source`` until that ends, and close the source.

    When the reader of the target has gone, the command notices as it would alone: it gets SIGPIPE.
    """
    try:
        while True:
            data = os.read(source.fileno(), _AT_ONCE)
            if not data or not _write(target, data):
                return
            for tail in tails:
                tail.add(data)
    except OSError:
        return
    finally:
        source.close()


def same_file(first: int, second: int) -> bool:
    """Return whether two descriptors write to the same place, as after ``2>&1``."""
    try:
        return os.path.samestat(os.fstat(first), os.fstat(second))
    except OSError:
        return False


def _wait_for_room(target: int) -> None:
    """Wait until the reader of a pipe or terminal that must not block has taken something."""
    with selectors.DefaultSelector() as selector:
        selector.register(target, selectors.EVENT_WRITE)
        selector.select()


def _write(target: int, data: bytes) -> bool:
    """Write everything; return whether there is still a reader."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(target, left) :]
        except BlockingIOError:
            _wait_for_room(target)
        except BrokenPipeError:
            return False
        except OSError:
            return True  # the disk is full, for example: the command goes on
    return True
