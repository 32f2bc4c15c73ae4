"""Passing signals on to a command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from types import FrameType

_NAMES = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH")

# After these, a command that fails was cancelled.
ENDING = frozenset(
    int(getattr(signal, name))
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM")
    if hasattr(signal, name)
)
# A terminal sends these to the command as well, which takes the second one for impatience.
_OF_TERMINALS = frozenset(
    int(getattr(signal, name)) for name in ("SIGINT", "SIGQUIT") if hasattr(signal, name)
)


class Signals:
    """Passes signals of this process on to a command. Used by the main thread."""

    def __init__(self) -> None:
        self.ending = False  # whether one has come that ends commands
        self._early: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._exit_status: int | None = None

    def install(self) -> None:
        """Pass signals on from now on; those that come before the command wait for it.

        A signal that is ignored stays so, for the command too: nohup relies on it.
        """
        if hasattr(signal, "SIGCHLD"):  # ignored, it would hide the exit status of the command
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                signal.signal(number, self._handle)

    def pass_to(self, process: subprocess.Popen[bytes]) -> None:
        """Pass signals on to this process."""
        self._process = process
        while self._early:
            self._send(self._early.pop(0))

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        """Return the return code of the process when it has ended. Signals are passed on meanwhile.

        Python runs a handler between two steps of the main thread. A signal that came just before
        the thread began to wait would be passed on at the end of the wait. So it waits for a byte,
        and the interpreter writes one for each signal.
        """
        if sys.platform == "win32":
            return process.wait()
        woken, wake = os.pipe()
        os.set_blocking(wake, False)

        def wait() -> None:
            process.wait()
            os.write(wake, b"\0")

        before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        waiter = threading.Thread(target=wait, daemon=True)
        waiter.start()
        while process.returncode is None:
            os.read(woken, 4096)
        waiter.join()
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wake)
        return process.returncode

    def leave(self, exit_status: int) -> None:
        """End this process with the status of the command when the next ending signal comes."""
        self._exit_status = exit_status

    def _handle(self, number: int, _: FrameType | None) -> None:
        is_ending = number in ENDING
        if self._exit_status is not None:
            if is_ending:
                sys.exit(self._exit_status)
            return
        self.ending = self.ending or is_ending
        if self._process is None:
            self._early.append(number)
        elif number not in _OF_TERMINALS or not _in_foreground():
            self._send(number)

    def _send(self, number: int) -> None:
        if self._process is not None:
            with suppress(OSError):
                self._process.send_signal(number)


def _in_foreground() -> bool:
    """Return whether a terminal sends its signals to this process and to the command."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | getattr(os, "O_NOCTTY", 0))
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
