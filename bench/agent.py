"""An agent that reports as fast as it can, and prints what that cost. Run by bench/agents.py.

Usage: python -m bench.agent {calls,push,away} URL SPOOL
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from telemetry.client import TelemetryClient

CALLS = 5_000
RUNS = 100_000
WARM_UP_RUNS = 20_000
MIB = 1024 * 1024

FIELDS: dict[str, Any] = {"product": "slides", "platform": "python", "website": "example.org"}
OUTCOME: dict[str, Any] = {
    "items_discovered": 12,
    "items_succeeded": 11,
    "output_summary": "11 of 12 artifacts are clean",
    "metrics_json": {"queue": "nightly", "cost": 0.25, "dry_run": False},
}


def calls(client: TelemetryClient) -> dict[str, Any]:
    """Return the CPU of the calling thread for each kind of call, in microseconds: median."""
    with client.track_run("importer", "nightly"):
        pass  # the first one looks for git
    clock = [_cpu(lambda: None) for _ in range(CALLS)]
    run_ids: list[str] = []
    kinds: dict[str, Callable[[], Any]] = {
        "start_run": lambda: run_ids.append(client.start_run("importer", "nightly", **FIELDS)),
        "set_metrics": lambda: client.set_metrics(run_ids[-1], items_discovered=12),
        "log_event": lambda: client.log_event(run_ids[-1], "checkpoint", {"step": 3}),
        "end_run": lambda: client.end_run(run_ids.pop(), **OUTCOME),
    }
    spent: dict[str, list[int]] = {name: [] for name in kinds}
    for _ in range(CALLS):
        for name, call in kinds.items():
            spent[name].append(_cpu(call))
    clock_ns = statistics.median(clock)
    return {name: (statistics.median(all_) - clock_ns) / 1000 for name, all_ in spent.items()}


def push(client: TelemetryClient) -> dict[str, Any]:
    """Return how many runs per second are stored: each starts and ends."""
    _report(client, WARM_UP_RUNS)
    client.flush(120)
    started, cpu = time.monotonic(), time.process_time()
    _report(client, RUNS)
    reported = time.monotonic() - started
    complete = client.flush(300)
    return {
        "runs": RUNS,
        "warm_up_runs": WARM_UP_RUNS,
        "complete": complete,
        "seconds": time.monotonic() - started,
        "calling_seconds": reported,
        "cpu_seconds": time.process_time() - cpu,
        "counters": client.counters,
    }


def away(client: TelemetryClient) -> dict[str, Any]:
    """Return the memory that the process needs while it reports to a service that is away."""
    _report(client, WARM_UP_RUNS)
    before = _resident()
    _report(client, RUNS)
    return {
        "runs": RUNS,
        "mib_before": before,
        "mib_after": _resident(),
        "spool_mib": client.counters["spool_bytes"] / MIB,
        "mib_peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _report(client: TelemetryClient, runs: int) -> None:
    for _ in range(runs):
        client.end_run(client.start_run("importer", "nightly", **FIELDS), **OUTCOME)


def _cpu(call: Callable[[], Any]) -> int:
    before = time.thread_time_ns()
    call()
    return time.thread_time_ns() - before


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / MIB


def main() -> None:
    """Run the load that the command line names, and print its result as JSON."""
    kind, url, spool = sys.argv[1:]
    client = TelemetryClient(url, spool_dir=spool, max_spool_bytes=1024 * MIB, strict=True)
    print(json.dumps({"calls": calls, "push": push, "away": away}[kind](client)), flush=True)
    client.close(0 if kind != "push" else 5)


if __name__ == "__main__":
    main()
