"""``python -m bench.scale_ledger``: what rebuild and verify cost as the ledger grows.

It is separate from ``bench.scale`` because filling the ledger takes long.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench import cpu, machine, postgres, report, scale_ledger_rows
from telemetry.audio_runtime.devices import Scope
from telemetry.audio_runtime.rebuild import rebuild
from telemetry.audio_runtime.verify import verify
from telemetry.database.unlimited import UnlimitedTransactions, connect_without_time_limit
from tests.support.databases import execute
from tests.support.server import folder

FILE = Path(__file__).parent / "SCALE_LEDGER.md"

METHOD = """
Written by `python -m bench.scale_ledger --write`. Figures are medians of {times} turns, after one
that warms the cache. CPU is the server's CPU time. Where it is far below the elapsed time of one
job, other programs used the machine (load average over five minutes: {load} at the end).
"""
EVENTS = """
Events of all kinds come from all devices in turn, so the history of a device is scattered over the
whole table.
"""

REBUILD_SECONDS = 1.0
REBUILD_GROWTH = 1.3
VERIFY_RATE = 100_000


class Took(NamedTuple):
    """Elapsed seconds and the server's CPU seconds of a task."""

    seconds: float
    cpu_seconds: float


Results = dict[int, dict[str, Took]]


def main() -> None:
    """Fill the ledger to each size, rebuild and verify it there and report both."""
    options = _options()
    results: Results = {}
    notes: list[str] = []
    old = 0
    with folder() as work, postgres.running(work) as server:
        url = server.create_migrated("scale_ledger")
        for size in sorted(options.events):
            notes.append(_fill(url, old, size))
            print(notes[-1], flush=True)
            results[size] = dict(_tasks(server, url, options.times, verifying=not old))
            print("\n".join(_table(results)), flush=True)
            old = size
        about = _about(server.url, options.times)
    if options.write:
        FILE.write_text("\n".join([*about, "", *_table(results), "", *notes]) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale_ledger", description=__doc__)
    parser.add_argument(
        "--events",
        type=int,
        nargs="+",
        default=[1_000_000, 10_000_000],
        help="events in the ledger, one or more sizes (1000000 10000000)",
    )
    parser.add_argument("--times", type=int, default=3, help="turns per task (3)")
    parser.add_argument("--write", action="store_true", help="write bench/SCALE_LEDGER.md")
    return parser.parse_args()


def _fill(url: str, old: int, size: int) -> str:
    began = time.monotonic()
    scale_ledger_rows.fill(url, old, size)
    filled = time.monotonic() - began
    postgres.tidy(url)
    gigabytes = postgres.ask(url, "SELECT pg_database_size(current_database())") / 2**30
    return f"- {size:,} events: {size - old:,} filled in {filled:.0f} s, {gigabytes:.1f} GiB."


def _tasks(
    server: postgres.Postgres, url: str, times: int, *, verifying: bool
) -> Iterator[tuple[str, Took]]:
    rebuilding = partial(_rebuild, url)
    empty = partial(execute, url, "TRUNCATE os_core.audio_runtime_current")
    yield "rebuild of an empty projection", _median(server, times, rebuilding, empty)
    yield "rebuild of a correct projection", _median(server, times, rebuilding)
    # verify reads every row, so its rate at the smallest size holds for the others.
    for jobs, fast in [(1, False), (2, False), (1, True), (2, True)] if verifying else []:
        name = f"verify --jobs {jobs}{' --fast' if fast else ''}"
        yield name, _median(server, times, partial(_verify, url, jobs=jobs, fast=fast))


def _median(
    server: postgres.Postgres,
    times: int,
    work: Callable[[], None],
    before: Callable[[], None] = lambda: None,
) -> Took:
    """Return the medians of several turns, after one that warms the cache."""
    turns = []
    for _ in range(times + 1):
        before()
        used, began = cpu.seconds({"database": server.process}), time.monotonic()
        work()
        seconds = time.monotonic() - began
        now = cpu.seconds({"database": server.process})
        turns.append(Took(seconds, cpu.between(used, now)["database"]))
    return Took(*(statistics.median(of) for of in zip(*turns[1:], strict=True)))


def _rebuild(url: str) -> None:
    with connect_without_time_limit(url) as connection:
        rebuilt = rebuild(UnlimitedTransactions(connection).transact, Scope())
    if rebuilt.devices != scale_ledger_rows.DEVICES:
        raise RuntimeError(f"{rebuilt.devices} devices were rebuilt")


def _verify(url: str, *, jobs: int, fast: bool) -> None:
    connect = partial(connect_without_time_limit, url)
    found = list(verify(connect, Scope(), kept={}, since={}, jobs=jobs, fast=fast))
    if found:
        raise RuntimeError(f"verify found: {found[0]}")


def _table(results: Results) -> list[str]:
    sizes = sorted(results)
    heads = [f"{size:,} events: s | CPU s | events/s | by CPU" for size in sizes]
    lines = [
        f"| {scale_ledger_rows.DEVICES:,} devices | {' | '.join(heads)} | growth | target |",
        f"| --- |{' ---: |' * (4 * len(sizes) + 1)} --- |",
    ]
    for name in results[sizes[0]]:
        took = {size: results[size][name] for size in sizes if name in results[size]}
        cells = [_cells(name, size, took.get(size)) for size in sizes]
        growth = took[max(took)].seconds / took[min(took)].seconds
        shown = f"{growth:.2f}" if len(took) > 1 else ""
        lines.append(f"| {name} | {' | '.join(cells)} | {shown} | {_target(name, took, growth)} |")
    return lines


def _cells(name: str, size: int, took: Took | None) -> str:
    if took is None:
        return " |  |  | "
    cells = [f"{took.seconds:.2f}", f"{took.cpu_seconds:.2f}"]
    if name.startswith("verify"):
        cells += [f"{size / took.seconds:,.0f}", f"{size / took.cpu_seconds:,.0f}"]
    else:
        cells += ["", ""]
    return " | ".join(cells)


def _target(name: str, took: dict[int, Took], growth: float) -> str:
    first, *others = sorted(took)
    if name.startswith("verify"):
        reached = first / took[first].seconds >= VERIFY_RATE
        return f"≥ {VERIFY_RATE:,} events/s: {_met(reached)}"
    seconds = f"< {REBUILD_SECONDS:.0f} s: {_met(took[first].seconds < REBUILD_SECONDS)}"
    if not others:
        return seconds
    return f"{seconds}; ≤ {REBUILD_GROWTH}: {_met(growth <= REBUILD_GROWTH)}"


def _met(reached: bool) -> str:
    return "met" if reached else "**missed**"


def _about(url: str, times: int) -> list[str]:
    machine_ = machine.describe()
    load = f"{os.getloadavg()[1]:.1f}"
    return [
        "# The ledger as it grows",
        "",
        *report.paragraph(METHOD.format(times=times, load=load)),
        *report.paragraph(EVENTS),
        f"{datetime.now(UTC):%Y-%m-%d}; PostgreSQL {postgres.ask(url, 'SHOW server_version')};"
        f" {machine_['CPU']}; {machine_['memory']}.",
    ]


if __name__ == "__main__":
    main()
