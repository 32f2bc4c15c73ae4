"""Locks on files that the kernel releases when their process dies."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt

    # A lock on Windows also keeps others from reading, so it is far behind the content.
    _FAR = 1 << 30

    def try_lock(opened: int) -> bool:
        """Return whether the file is locked by this process from now on."""
        try:
            os.lseek(opened, _FAR, os.SEEK_SET)
            msvcrt.locking(opened, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(opened: int) -> bool:
        """Return whether the file is locked by this process from now on."""
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
