"""``python -m bench.scale``: what reads cost the database as the tables grow."""

import argparse
import math
import os
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row

from bench import machine, postgres, report, scale_rows
from bench.scale_reads import READS, Draw, Read
from telemetry.database.values import register_loaders
from tests.support.server import folder

FILE = Path(__file__).parent / "SCALE.md"

# PostgreSQL's own times for planning, execution and serialization of the rows.
TIMED = "ANALYZE, TIMING OFF, BUFFERS OFF, SERIALIZE TEXT, FORMAT JSON"
SHOWN = "ANALYZE, BUFFERS, SERIALIZE TEXT"

METHOD = """
Written by `python -m bench.scale --write`. The times are PostgreSQL's own for planning, executing
and serializing, over {times} executions with new random parameters each. Rows arrive at a constant
rate, ten million in thirty days. The plans are those at the largest size.
"""
CPU_METHOD = """
CPU is the server's CPU time, including the parsing of the statement and the writing of the plan.
Where it is far below the elapsed time, other programs used the machine (load average over five
minutes: {load} at the end).
"""

Milliseconds = list[float]


class Times(NamedTuple):
    """Sorted times of the executions: elapsed, and CPU time, which other programs do not change."""

    elapsed: Milliseconds
    cpu: Milliseconds


Results = dict[int, dict[str, Times]]


def main() -> None:
    """Fill the tables to each size, measure every read there and report both."""
    options = _options()
    sizes = sorted(options.rows)
    results: Results = {}
    notes: list[str] = []
    with folder() as work, postgres.running(work) as server:
        url = server.create_migrated("scale")
        connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        register_loaders(connection)
        for rows in sizes:
            notes.append(_fill(connection, url, rows))
            print(notes[-1], flush=True)
            draw = Draw(connection, rows)
            results[rows] = {it.name: _times(connection, it, draw, options.times) for it in READS}
            print("\n".join(_table(results)), flush=True)
        plans = [line for read in READS for line in _plan(connection, read, draw)]
        about = _about(server.url, options.times)
        connection.close()
    if options.write:
        FILE.write_text("\n".join([*about, "", *_table(results), "", *notes, "", *plans]) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument(
        "--rows",
        type=int,
        nargs="+",
        default=[100_000, 1_000_000, 10_000_000],
        help="rows per table, one or more sizes (100000 1000000 10000000)",
    )
    parser.add_argument("--times", type=int, default=300, help="executions per read (300)")
    parser.add_argument("--write", action="store_true", help="write bench/SCALE.md")
    return parser.parse_args()


def _fill(connection: psycopg.Connection[Any], url: str, rows: int) -> str:
    began = time.monotonic()
    scale_rows.fill(url, rows)
    filled = time.monotonic()
    connection.execute("SELECT recount_agent_runs()")
    counted = time.monotonic()
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")
    size = connection.execute("SELECT pg_database_size(current_database()) AS n").fetchone()
    return (
        f"- {rows:,} rows in each table: filled in {filled - began:.0f} s,"
        f" `recount_agent_runs()` took {counted - filled:.1f} s, {size['n'] / 2**30:.1f} GiB."
    )


def _times(connection: psycopg.Connection[Any], read: Read, draw: Draw, count: int) -> Times:
    statement = read.explained(TIMED)
    elapsed, cpu = [], []
    for _ in range(count + count // 10):
        parameters = read.parameters(draw)
        began = _cpu_ms(connection)
        row = connection.execute(statement, parameters, prepare=False).fetchone()
        cpu.append(_cpu_ms(connection) - began)
        plan = row["QUERY PLAN"][0]
        elapsed.append(float(plan["Planning Time"]) + float(plan["Execution Time"]))
    warm = slice(count // 10, None)  # drops the executions that warmed the cache
    return Times(sorted(elapsed[warm]), sorted(cpu[warm]))


def _cpu_ms(connection: psycopg.Connection[Any]) -> float:
    schedule = Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text()
    return int(schedule.split()[0]) / 1e6


def _table(results: Results) -> list[str]:
    sizes = sorted(results)
    heads = [f"{rows:,}: p50 / p99 | CPU p50 / p99" for rows in sizes]
    lines = [
        f"| database time, ms | {' | '.join(heads)} | growth of p50 | of CPU | p99 target |",
        f"| --- |{' --- |' * (2 * len(sizes) + 3)}",
    ]
    for read in READS:
        times = [results[rows][read.name] for rows in sizes]
        cells = [f"{statistics.median(it):.2f} / {_p99(it):.2f}" for size in times for it in size]
        growth = [
            f"{statistics.median(last) / statistics.median(first):.2f}"
            for first, last in zip(times[0], times[-1], strict=True)
        ]
        target = _target(read, times[-1].elapsed)
        lines.append(f"| {' | '.join([read.name, *cells, *growth, target])} |")
    logarithm = math.log(sizes[-1]) / math.log(sizes[0])
    return [*lines, "", f"The logarithm of the number of rows grows by {logarithm:.2f}."]


def _target(read: Read, times: Milliseconds) -> str:
    if math.isinf(read.target_ms):
        return "none"
    return f"{read.target_ms:.0f}, {'met' if _p99(times) < read.target_ms else 'missed'}"


def _p99(times: Milliseconds) -> float:
    return times[math.ceil(len(times) * 0.99) - 1]


def _plan(connection: psycopg.Connection[Any], read: Read, draw: Draw) -> list[str]:
    rows = connection.execute(read.explained(SHOWN), read.parameters(draw), prepare=False)
    text = "\n".join(row["QUERY PLAN"] for row in rows)
    return [f"## {read.name}: `sql/{read.statement}.sql`", "", "```text", text, "```", ""]


def _about(url: str, times: int) -> list[str]:
    machine_ = machine.describe()
    load = f"{os.getloadavg()[1]:.1f}"
    return [
        "# Reads as the tables grow",
        "",
        *report.paragraph(METHOD.format(times=times)),
        *report.paragraph(CPU_METHOD.format(load=load)),
        f"{datetime.now(UTC):%Y-%m-%d}; PostgreSQL {postgres.ask(url, 'SHOW server_version')};"
        f" {machine_['CPU']}; {machine_['memory']}.",
    ]


if __name__ == "__main__":
    main()
