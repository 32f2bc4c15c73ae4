"""Running a command as it would run alone, and what is known of it when it has ended."""

from __future__ import annotations

import errno
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, NamedTuple

from telemetry.client.wrapper.output import Tail, pass_on, same_file
from telemetry.client.wrapper.signals import ENDING, Signals

if TYPE_CHECKING:
    from telemetry.client.fields import Status

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
# How long the last output of a command that has ended may take.
_LAST_OUTPUT_SECONDS = 1.0


class Ended(NamedTuple):
    """How a command has ended. ``exit_status`` is what a shell makes of it."""

    exit_status: int
    status: Status
    summary: str | None
    output: str
    errors: str


class Command:
    """Runs a command. Used by the main thread."""

    def __init__(self, arguments: Sequence[str], signals: Signals, tail_bytes: int) -> None:
        self._arguments, self._signals = [*arguments], signals
        self._is_kept = tail_bytes > 0
        self._output, self._errors = Tail(tail_bytes), Tail(tail_bytes)
        self._threads: list[threading.Thread] = []

    def run(self, environ: Mapping[str, str]) -> Ended:
        """Run the command to its end."""
        try:
            process = self._start(environ)
        except (OSError, ValueError) as error:
            return self._not_started(error)
        self._signals.pass_to(process)
        code = self._signals.wait(process)
        until = time.monotonic() + _LAST_OUTPUT_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return self._ended(code)

    def pass_output_on(self) -> None:
        """Wait until no process has the output of the command any more.

        A process that it left in the background would be killed by its next line of output.
        """
        for thread in self._threads:
            while thread.is_alive():
                thread.join(1.0)  # in one piece, a signal could go unnoticed

    def _start(self, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start the command and the threads that pass its output on. Raises OSError."""
        out = err = subprocess.PIPE if self._is_kept else None
        if self._is_kept and same_file(1, 2):
            err = subprocess.STDOUT  # two pipes would lose the order of the lines
        arguments = self._arguments
        try:
            process = _popen(arguments, environ, out, err)
        except OSError as error:
            path = shutil.which(arguments[0])
            if error.errno != errno.ENOEXEC or path is None:
                raise
            # A script without a first line that names its interpreter: shells run it themselves.
            process = _popen(["/bin/sh", path, *arguments[1:]], environ, out, err)
        if process.stdout is not None:
            self._pass_on(process.stdout, 1, [self._output])
        if process.stderr is not None:
            self._pass_on(process.stderr, 2, [self._output, self._errors])
        return process

    def _pass_on(self, source: IO[bytes], target: int, tails: Sequence[Tail]) -> None:
        thread = threading.Thread(target=pass_on, args=(source, target, tails), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _ended(self, code: int) -> Ended:
        """Return what is known of a command from the return code of its process."""
        is_ended_by_signal = code < 0
        summary = None
        if is_ended_by_signal:
            summary = f"ended by {_signal_name(-code)}"
        elif code:
            summary = f"exit status {code}"
        status: Status = "failure" if code else "success"
        if code and (self._signals.ending or -code in ENDING):
            status = "cancelled"
        exit_status = 128 - code if is_ended_by_signal else code
        output = self._output.text()
        return Ended(exit_status, status, summary, output, self._errors.text() or output)

    def _not_started(self, error: Exception) -> Ended:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"{self._arguments[0]}: {reason}"
        print(f"telemetry.client: {message}", file=sys.stderr)
        is_missing = isinstance(error, FileNotFoundError)
        exit_status = _NOT_FOUND if is_missing else _NOT_EXECUTABLE
        return Ended(exit_status, "failure", message, "", message)


def _popen(
    arguments: Sequence[str], environ: Mapping[str, str], out: int | None, err: int | None
) -> subprocess.Popen[bytes]:
    """Start a process that has every file that this one was given."""
    return subprocess.Popen(
        arguments, stdout=out, stderr=err, env=environ, bufsize=0, close_fds=False
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
