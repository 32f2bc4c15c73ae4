"""``python -m bench.scale_out``: one PostgreSQL compared with a coordinator and workers.

All come from the binaries that the variable CITUS_PGBIN names (a PostgreSQL with Citus). The web
process in front of each is that of the Procfile. In each round the systems take turns. Trust the
CPU seconds per record; compare rates only within one run, because the machine is shared.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from bench import cpu, postgres, scale_out_counts, scale_out_posts, scale_out_report
from bench import scale_out_servers as servers
from bench.loads import Turn
from bench.record import DEVICES, write_templates
from bench.scale_out_scenarios import SCENARIOS
from bench.service import Web
from tests.support.server import folder
from tests.support.service import procfile

SYSTEMS = {"one node": None, "1 worker": 1, "2 workers": 2}


@dataclass(frozen=True)
class System:
    """Running servers with the service in front; the first node takes its connections."""

    nodes: dict[str, servers.Node]
    web: Web

    @property
    def url(self) -> str:
        """The database that the service connects to."""
        return next(iter(self.nodes.values())).url

    def count(self, table: str) -> int:
        """Return how many rows the table has."""
        return int(postgres.ask(self.url, f"SELECT count(*) FROM {table}"))

    def tidy(self) -> None:
        """Do the work that earlier turns left on each node."""
        for node in self.nodes.values():
            postgres.tidy(node.url)

    def counts(self) -> dict[str, scale_out_counts.Counts]:
        """Return what each node has counted so far."""
        return {name: scale_out_counts.read(node) for name, node in self.nodes.items()}


def main() -> None:
    """Run the scenarios that the command line selects, and print their tables."""
    options = _options()
    if not os.environ.get("CITUS_PGBIN"):
        sys.exit("scale_out: set CITUS_PGBIN to the folder of a PostgreSQL's binaries with Citus")
    # An exit instead of a kill, so that every server is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results: dict[str, Any] = {}
    with _folder(options.on) as work, _running(work, options) as systems:
        version = postgres.ask(next(iter(systems.values())).url, "SHOW server_version")
        print(f"PostgreSQL {version}; load average {os.getloadavg()[1]:.1f}")
        for name in options.scenario or SCENARIOS:
            results[name] = _measure(systems, work, name, options.rounds, options.seconds)
            print("\n".join(scale_out_report.rates(SCENARIOS[name].title, results[name])))
            if options.json:
                options.json.write_text(json.dumps(results, indent=1))
    titles = {name: SCENARIOS[name].title for name in results}
    print("\n".join(scale_out_report.totals(titles, results)))


@contextmanager
def _folder(on: Path | None) -> Iterator[Path]:
    """Make a folder for the data of all servers: in memory where there is one, or on a disk."""
    if on is None:
        with folder() as work:
            yield work
    else:
        with tempfile.TemporaryDirectory(dir=on, ignore_cleanup_errors=True) as name:
            yield Path(name)


@contextmanager
def _running(work: Path, options: argparse.Namespace) -> Iterator[dict[str, System]]:
    binaries = servers.Binaries(Path(os.environ["CITUS_PGBIN"]))
    own = dict(setting.split("=", 1) for setting in options.set or ())
    write_templates(work)
    scale_out_posts.write_templates(work)
    with ExitStack() as stopping:
        systems = {}
        for name in options.system or SYSTEMS:
            workers = SYSTEMS[name]
            nodes = stopping.enter_context(servers.running(binaries, work, workers, own))
            url = next(iter(nodes.values())).url
            servers.migrate(url)
            if workers is not None:
                servers.distribute(binaries, url, options.distribute_with)
            web = Web(name.replace(" ", "-"), procfile("web"), url, work)
            stopping.callback(web.stop)
            _create_devices(web.url)
            systems[name] = System(nodes, web)
            print(f"{name}: running", file=sys.stderr, flush=True)
        yield systems


def _create_devices(service_url: str) -> None:
    def create(tenant: str) -> None:
        with httpx.Client(base_url=service_url, timeout=40) as client:
            for number in range(DEVICES):
                path = f"/api/v1/devices/{scale_out_posts.device(tenant, number)}"
                client.put(path, json={"tenant_id": tenant}).raise_for_status()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(create, scale_out_posts.TENANTS))


def _measure(
    systems: dict[str, System], work: Path, name: str, rounds: int, seconds: int
) -> dict[str, Any]:
    """Return the turns of each system, and what its nodes counted over all of them."""
    table = SCENARIOS[name].table
    for key, system in systems.items():
        _turn(system, work, name, f"{name}-0-{key[:1]}", 2)
        system.tidy()
    time.sleep(scale_out_counts.REPORTED_SECONDS)
    before = {key: (system.counts(), system.count(table)) for key, system in systems.items()}
    turns: dict[str, list[dict[str, Any]]] = {key: [] for key in systems}
    for number in range(1, rounds + 1):
        for key, system in systems.items():
            prefix = f"{name}-{number}-{key[:1]}"
            turns[key].append(_turn(system, work, name, prefix, seconds))
            print(f"  {name} {number} {key}: {turns[key][-1]}", file=sys.stderr, flush=True)
    time.sleep(scale_out_counts.REPORTED_SECONDS)
    results = {}
    for key, system in systems.items():
        counts, rows = before[key]
        used = {
            node: scale_out_counts.between(counts[node], after)._asdict()
            for node, after in system.counts().items()
        }
        results[key] = {"turns": turns[key], "counts": used, "rows": system.count(table) - rows}
    return results


def _turn(system: System, work: Path, name: str, prefix: str, seconds: int) -> dict[str, Any]:
    scenario = SCENARIOS[name]
    rows = system.count(scenario.table)
    groups = {"service": system.web.process}
    groups |= {key: node.process for key, node in system.nodes.items()}
    before = cpu.seconds(groups)
    with scale_out_counts.connections(system.nodes) as most:
        report = scenario.load.run(Turn(system.web.url, work, prefix, seconds))
    postgres.wait_until_idle(system.url)
    used = cpu.between(before, cpu.seconds(groups))
    added = system.count(scenario.table) - rows
    confirmed = (report.requests - report.error_statuses) * scenario.load.records
    in_flight = scenario.load.connections * scenario.load.records
    if report.error_statuses or report.socket_errors or not added:
        print(f"  {name}: {asdict(report)}", file=sys.stderr, flush=True)
    if not confirmed <= added <= confirmed + in_flight:
        raise RuntimeError(f"{name}: {confirmed} confirmed, {added} rows: {asdict(report)}")
    return {
        "rate": confirmed / report.seconds,
        "p50_ms": report.p50_ms,
        "p99_ms": report.p99_ms,
        "cpu": {key: total * 1000 / max(added, 1) for key, total in used.items()},
        "rows": added,
        "errors": report.error_statuses + report.socket_errors,
        "connections": dict(most),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale_out", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds per scenario (3)")
    parser.add_argument("--seconds", type=int, default=8, help="seconds per turn (8)")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="may be repeated")
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="may be repeated")
    parser.add_argument(
        "--distribute-with",
        type=Path,
        metavar="FILE",
        help="SQL that distributes the tables, instead of python -m telemetry distribute",
    )
    parser.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="a setting of every server, say citus.max_cached_conns_per_worker=8",
    )
    parser.add_argument(
        "--on", type=Path, metavar="FOLDER", help="put the servers' data here, not in memory"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
