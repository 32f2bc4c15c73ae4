"""Names that all worker processes share: a list that only grows, up to a limit.

Clients choose the names of agents. A label that followed what is largest at the moment would make
series without end, so an agent that has a series keeps it, and no other gets its place.

It imports only the standard library, because gunicorn imports it before it forks.
"""

import os
from collections.abc import Iterable
from fcntl import LOCK_EX, LOCK_UN, lockf
from mmap import mmap
from tempfile import TemporaryFile
from threading import Lock

# No name has a NUL character: PostgreSQL stores none.
END = b"\0"


class SharedNames:
    """Up to ``most`` names, of up to ``most_bytes`` each. Made before the workers are forked."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._lock = Lock()
        size = most * (most_bytes + len(END))
        with TemporaryFile() as file:
            file.truncate(size)
            self._memory = mmap(file.fileno(), size)
            # A lock on a file excludes other processes, and ends with the process that has it.
            self._file = os.dup(file.fileno())

    def keep(self, names: Iterable[str]) -> frozenset[str]:
        """Add the names for which there is room, the first ones first, and return all."""
        with self._lock:
            lockf(self._file, LOCK_EX)
            try:
                kept = self._read()
                for name in names:
                    if len(kept) == self._most:
                        break
                    if name not in kept:
                        self._append(name)
                        kept.add(name)
                return frozenset(kept)
            finally:
                lockf(self._file, LOCK_UN)

    def clear(self) -> None:
        """Forget all names."""
        self._memory[:] = bytes(len(self._memory))

    def _read(self) -> set[str]:
        text, _, _ = self._memory[:].partition(END * 2)
        return {name.decode() for name in text.split(END) if name}

    def _append(self, name: str) -> None:
        start = len(self._memory[:].rstrip(END))
        start += len(END) if start else 0
        data = name.encode()
        self._memory[start : start + len(data)] = data
