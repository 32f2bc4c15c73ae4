"""A PostgreSQL server of a test's own, to freeze, kill and restart."""

import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from telemetry.database.embedded import embedded_postgres


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for a server's data, which runs as another user where the tests run as root.

    Not pytest's own: every start of pytest closes those to other users.
    """
    with tempfile.TemporaryDirectory(prefix="telemetry-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def copy_cluster(stopped: Path, data: Path) -> None:
    """Copy the folder of a server that does not run; Python's own copy forgets who owns a file."""
    subprocess.run(["cp", "-a", stopped, data], check=True)


class Server:
    """A PostgreSQL over a folder; its URL stays the same over restarts."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._running = ExitStack()
        self.url = ""

    def start(self) -> None:
        self.url = self._running.enter_context(embedded_postgres(self._data))

    def stop(self) -> None:
        """Shut it down as an operator does; connections are closed."""
        self._running.close()

    def freeze(self) -> None:
        """Stop every process of it with its sockets open."""
        for process in self._processes():
            process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self._processes():
            process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End every process of it at once, as a power cut does."""
        processes = self._processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # some end by themselves without the postmaster
                process.kill()
        psutil.wait_procs(processes)
        self._running.close()

    def _processes(self) -> list[psutil.Process]:
        postmaster = int((self._data / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(postmaster)
        return [process, *process.children(recursive=True)]
