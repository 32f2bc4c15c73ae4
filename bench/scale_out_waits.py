"""How long writers wait while tables are placed elsewhere: distribute, partition, and back.

``python -m bench.scale_out_waits --help``. A coordinator with two workers holds a million runs, as
many runtime events and some ledger events. A client of each domain posts one record after the
other, again after a 503. Each command reports its time, and of each domain the longest time between
two successes.
"""

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench import scale_ledger_rows, scale_rows
from bench import scale_out_servers as servers
from bench.service import Web
from tests.support.databases import execute
from tests.support.followers import bodies
from tests.support.server import folder
from tests.support.service import PROJECT, environment, procfile

COMMANDS = (
    ("distribute",),
    ("undistribute",),
    ("partition",),
    ("partition", "--undo"),
)
DEVICE = "waiting"
PAUSE_SECONDS = 0.05


class Writers:
    """A client of each domain; ``longest`` has the longest times between two successes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopped = threading.Event()
        self.longest: dict[str, float] = {}
        self.refused: dict[str, int] = {}
        put = httpx.put(
            f"{url}/api/v1/devices/{DEVICE}", json={"tenant_id": "tenant-1"}, timeout=60
        )
        put.raise_for_status()
        self._threads = [
            threading.Thread(target=self._write, args=[path]) for path in bodies("", DEVICE)
        ]

    def __enter__(self) -> "Writers":
        self.restart()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def restart(self) -> None:
        """Forget what was measured."""
        self.longest = dict.fromkeys(bodies("", DEVICE), 0.0)
        self.refused = dict.fromkeys(bodies("", DEVICE), 0)

    def _write(self, path: str) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as client:
            number, succeeded = 0, time.monotonic()
            while not self._stopped.wait(PAUSE_SECONDS):
                body = bodies(f"{path.rpartition('/')[2]}-{number}", DEVICE)[path]
                response = client.post(path, json=body)
                now = time.monotonic()
                self.longest[path] = max(self.longest[path], now - succeeded)
                if response.status_code == 503:
                    self.refused[path] += 1
                    continue
                response.raise_for_status()
                number, succeeded = number + 1, now


def main() -> None:
    """Run each command under writers, and print a table."""
    options = _options()
    if not os.environ.get("CITUS_PGBIN"):
        sys.exit("scale_out_waits: set CITUS_PGBIN to the folder of a PostgreSQL with Citus")
    with folder() as work, _cluster(work, options.rows) as url:
        web = Web("waits", procfile("web"), url, work)
        print(f"{options.rows:,} rows per table; load average {os.getloadavg()[1]:.1f}")
        print("| command | step | seconds | runs | events | ledger | refused |")
        print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
        try:
            with Writers(web.url) as writers:
                for command in COMMANDS:
                    _measure(command, url, writers)
        finally:
            web.stop()


@contextmanager
def _cluster(work: Path, rows: int) -> Iterator[str]:
    binaries = servers.Binaries(Path(os.environ["CITUS_PGBIN"]))
    own: Mapping[str, str] = {"citus.max_cached_conns_per_worker": "16"}
    with servers.running(binaries, work, 2, own) as nodes:
        url = nodes["coordinator"].url
        servers.migrate(url)
        scale_rows.fill(url, rows)
        execute(url, "SELECT recount_agent_runs()")
        scale_ledger_rows.fill(url, 0, rows // 4)
        yield url


def _measure(command: tuple[str, ...], url: str, writers: Writers) -> None:
    time.sleep(2)
    writers.restart()
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "telemetry", *command],
        cwd=PROJECT,
        env=environment(DATABASE_URL=url),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    # A request that still waits is counted when it ends.
    time.sleep(6)
    steps = re.findall(r"(\d\d_\w+) done in ([0-9.]+) s", done.stderr)
    waits = " | ".join(f"{longest:.1f}" for longest in writers.longest.values())
    refused = " + ".join(str(number) for number in writers.refused.values())
    print(f"| {' '.join(command)} | | {seconds:.1f} | {waits} | {refused} |", flush=True)
    for step, took in steps:
        print(f"| | {step} | {took} | | | | |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale_out_waits", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows per table (1000000)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
