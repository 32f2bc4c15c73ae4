"""``python -m bench.pages``: how long pages take until their first byte, and the plans of panels.

With a million runs and a million runtime events over thirty days, unless an option says otherwise.
"""

import argparse
import os
import statistics
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg

from bench import cpu, machine, postgres, report, scale_rows, service
from telemetry.database import statements
from telemetry.pages.window import SPANS, Window
from telemetry.runs.schema import STATUSES
from tests.support.server import folder

FILE = Path(__file__).parent / "PAGES.md"
DAYS = 30
BROWSER = {"Accept": "text/html", "Accept-Encoding": "gzip"}
SHOWN = b"EXPLAIN (ANALYZE, BUFFERS) "

METHOD = """
Written by `python -m bench.pages --write`, with {rows:,} runs and {rows:,} runtime events over
thirty days. Each time is that until the first byte of the response, over {times} requests in turn.
CPU is that of all processes of the service and of the server, per request.
Where it is far below the elapsed time, other programs used the machine (load average over five
minutes: {load}).
"""


class Page(NamedTuple):
    """A page and how many milliseconds it may take; None: no limit."""

    name: str
    path: str
    limit_ms: int | None = None


PAGES = (
    Page("Overview, 24 h", "/", 150),
    Page("Overview, 30 d", "/?range=30d", 1000),
    Page("Overview, 30 d, one environment", "/?range=30d&environment=production"),
    Page("Runs", "/runs", 150),
    Page("Runs that failed", "/runs?status=failure", 150),
    Page("One run", "/runs/{event_id}", 150),
    Page("One run, unchanged", "/runs/{event_id}", 150),
    Page("Runtime, 24 h", "/runtime"),
    Page("Runtime, 30 d", "/runtime?range=30d"),
    Page("The busiest endpoint, 30 d", "/runtime?range=30d&endpoint=/api/v1/resource-0"),
    Page("Devices", "/devices"),
    Page("Status", "/status"),
)
PANELS = (
    "states_over_time",
    "running",
    "agents",
    "failures",
    "endpoints",
    "ideas",
    "endpoint",
    "endpoint_over_time",
    "runs_token",
)

Measured = Mapping[str, Any]


def main() -> None:
    """Fill the tables, measure every page and report."""
    options = _options()
    with folder() as work, postgres.running(work) as server:
        url = server.create_migrated("pages")
        scale_rows.fill(url, options.rows, DAYS * 24 * 3600 / options.rows)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SELECT recount_agent_runs()")
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")
        web = service.start(url, work)
        try:
            groups = {"web": web.process, "database": server.process}
            table = _table([_measure(web.url, page, options.times, groups) for page in PAGES])
        finally:
            web.stop()
        plans = _plans(url)
        about = _about(server.url, options)
    print("\n".join(table))
    if options.write:
        FILE.write_text("\n".join([*about, "", *table, "", *plans]) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows per table (1000000)")
    parser.add_argument("--times", type=int, default=15, help="requests per page (15)")
    parser.add_argument("--write", action="store_true", help="write bench/PAGES.md")
    return parser.parse_args()


def _measure(url: str, page: Page, times: int, groups: dict[str, Any]) -> Measured:
    elapsed = []
    with httpx.Client(base_url=url, headers=BROWSER, timeout=30) as client:
        (run,) = client.get("/api/v1/runs?limit=1").json()
        path = page.path.format(event_id=run["event_id"])
        headers = {}
        if page.name.endswith("unchanged"):
            headers["If-None-Match"] = client.get(path).headers["ETag"]
        client.get(path, headers=headers)  # warms the cache
        before = cpu.seconds(groups)
        for _ in range(times):
            began = time.perf_counter()
            with client.stream("GET", path, headers=headers) as response:
                elapsed.append((time.perf_counter() - began) * 1000)
                size = sum(len(part) for part in response.iter_raw())
            if response.status_code not in (200, 304):
                raise RuntimeError(f"{path}: {response.status_code}")
        used = cpu.between(before, cpu.seconds(groups))
    return {
        "page": page,
        "elapsed": sorted(elapsed),
        "cpu": {group: 1000 * total / times for group, total in used.items()},
        "size": size,
    }


def _table(measured: list[Measured]) -> list[str]:
    lines = [
        "| page | first byte, ms: median / slowest | web CPU, ms | database CPU, ms | kB | limit |",
        "| --- | --: | --: | --: | --: | --- |",
    ]
    for it in measured:
        page, elapsed, used = it["page"], it["elapsed"], it["cpu"]
        median = statistics.median(elapsed)
        limit = "none"
        if page.limit_ms:
            limit = f"{page.limit_ms}, {'met' if median <= page.limit_ms else 'missed'}"
        lines.append(
            f"| {page.name} | {median:.0f} / {elapsed[-1]:.0f} | {used['web']:.0f}"
            f" | {used['database']:.0f} | {it['size'] / 1000:.1f} | {limit} |"
        )
    return lines


def _plans(url: str) -> list[str]:
    now = datetime.now(UTC)
    window = Window("30d", now - SPANS["30d"], now, is_open=True)
    parameters = {
        **window.parameters,
        "created_before_window": window.start_before,
        "step": window.step,
        **window.of_events(None),
        "stale_after": timedelta(hours=1),
        "endpoint": "/api/v1/resource-0",
        "statuses": list(STATUSES),
        "good_share": 0.9,
        "sort": "errors",
        "row_limit": 5,
        "row_offset": 0,
        "slow_limit": 5,
        **dict.fromkeys(("agent_name", "environment", "endpoint_prefix", "idea_id")),
    }
    lines = ["# Plans of 30 days", ""]
    options = "-c enable_seqscan=off -c jit=off -c TimeZone=UTC"
    with psycopg.connect(url, autocommit=True, options=options) as connection:
        for name in PANELS:
            rows = connection.execute(
                SHOWN + statements.load(f"pages/{name}"), parameters, prepare=False
            )
            text = "\n".join(row[0] for row in rows)
            lines += [f"## `sql/pages/{name}.sql`", "", "```text", text, "```", ""]
    return lines[:-1]


def _about(url: str, options: argparse.Namespace) -> list[str]:
    machine_ = machine.describe()
    load = f"{os.getloadavg()[1]:.1f}"
    method = METHOD.format(rows=options.rows, times=options.times, load=load)
    return [
        "# Pages with a million runs",
        "",
        *report.paragraph(method),
        f"{datetime.now(UTC):%Y-%m-%d}; PostgreSQL {postgres.ask(url, 'SHOW server_version')};"
        f" {machine_['CPU']}; {machine_['memory']}.",
    ]


if __name__ == "__main__":
    main()
