"""Partitioned runtime events on a cluster of Citus, against a plain table there, in paired turns.

``python -m bench.partitions_distributed`` starts two clusters from the binaries that CITUS_PGBIN
names, each a coordinator and two workers, fills both with events of the last 30 days, and prints
the CPU of the coordinator and of the workers together. Only ratios hold on a machine that is busy.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psycopg

from bench import cpu
from bench import scale_out_servers as servers
from bench.partitions import DAYS, DROP, FILL, FORGET, PAST_DAYS, cases
from telemetry.database.connection import Connection
from telemetry.database.unlimited import connect_without_time_limit
from telemetry.scale_out.partition import Conversion
from tests.support.server import folder

EVENTS = 300_000
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 9
OWN = {
    "wal_level": "logical",
    "max_replication_slots": "20",
    "citus.max_cached_conns_per_worker": "16",
}

Used = dict[str, float]


class System(NamedTuple):
    """A cluster with events, and a connection to its coordinator."""

    nodes: dict[str, servers.Node]
    connection: Connection

    def used(self, work: Callable[[Connection], object], times: int) -> Used:
        """Return the CPU milliseconds of one call, of the coordinator and of all workers."""
        groups = {name: node.process for name, node in self.nodes.items()}
        before = cpu.seconds(groups)
        for _ in range(times):
            work(self.connection)
        used = cpu.between(before, cpu.seconds(groups))
        workers = sum(used[name] for name in groups if name != "coordinator")
        return {
            "coordinator": used["coordinator"] * 1000 / times,
            "workers": workers * 1000 / times,
        }


@contextmanager
def system(parent: Path, name: str, *, parted: bool) -> Iterator[System]:
    """Start a cluster that has events of a month."""
    binaries = servers.Binaries(Path(os.environ["CITUS_PGBIN"]))
    home = parent / name
    home.mkdir()
    with servers.running(binaries, home, 2, OWN) as nodes:
        url = nodes["coordinator"].url
        servers.migrate(url)
        if parted:
            Conversion(url, lambda _: None).partition()
        with psycopg.connect(url, autocommit=True) as db:
            if parted:
                db.execute(PAST_DAYS)
                db.execute("SELECT add_runtime_events_partition(n) FROM generate_series(1, 7) AS n")
            db.execute("ALTER TABLE runtime_events DISABLE TRIGGER number_runtime_event")
            db.execute(FILL, {"events": EVENTS, "days": DAYS})
            db.execute("ALTER TABLE runtime_events ENABLE TRIGGER number_runtime_event")
            db.execute("SELECT setval('runtime_events_number_seq', %s)", [EVENTS + 1])
        servers.distribute(binaries, url, None)
        for node in nodes.values():
            with psycopg.connect(node.url, autocommit=True) as db:
                db.execute("VACUUM ANALYZE")
        with connect_without_time_limit(url) as connection:
            yield System(nodes, connection)


def retention(parted: System) -> None:
    """Print what it costs to drop the partitions, and to delete the ids after that."""

    def drop(db: Connection) -> None:
        while db.execute(DROP).fetchone():
            pass

    def forget(db: Connection) -> None:
        block = 0
        while block is not None:
            row = db.execute(FORGET, [block]).fetchone()
            block = row["next_block"] if row else None

    for name, work in (("DROP of the partitions", drop), ("the ids after it", forget)):
        print(name, {who: round(ms / 1000, 2) for who, ms in parted.used(work, 1).items()}, "s")


def main() -> None:
    """Measure, and print the results."""
    with ExitStack() as stack:
        parent = stack.enter_context(folder())
        parent.chmod(0o755)
        plain = stack.enter_context(system(parent, "plain", parted=False))
        parted = stack.enter_context(system(parent, "parted", parted=True))
        work = cases(plain.connection, EVENTS)
        results: dict[str, list[tuple[Used, Used]]] = {name: [] for name in work}
        for round_number in range(-1, ROUNDS):
            for name, (times, run) in work.items():
                pair = plain.used(run, times), parted.used(run, times)
                if round_number >= 0:
                    results[name].append(pair)
        for name, pairs in results.items():
            for who in ("coordinator", "workers"):
                columns = [
                    median(one[who] for one in column) for column in zip(*pairs, strict=True)
                ]
                ratio = columns[1] / columns[0] if columns[0] else 0
                print(
                    f"{name:28} {who:12} {columns[0]:8.2f} {columns[1]:8.2f} ms, ratio {ratio:.2f}"
                )
        retention(parted)


if __name__ == "__main__":
    main()
