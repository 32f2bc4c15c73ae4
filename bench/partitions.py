"""Runtime events in partitions, against one plain table: CPU of the database, in paired turns.

``python -m bench.partitions SERVER_URL`` makes two databases on a server, fills both with a million
events of the last 30 days, and prints medians and ratios. The server must run on this machine.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.rows import scalar_row

from telemetry.database import statements
from telemetry.migrations import runner
from telemetry.scale_out.partition import Conversion

EVENTS, DAYS = 1_000_000, 30
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 15
SETTINGS = "-c enable_seqscan=off -c jit=off"

# In place of the first partition: one for each day, as after a month.
PAST_DAYS = """
DO $$
DECLARE
    day timestamptz := date_trunc('day', now(), 'UTC');
    first regclass := (
        SELECT partition FROM runtime_events_partitions() WHERE recorded_from = '-infinity'
    );
BEGIN
    EXECUTE format('DROP TABLE %s', first);
    FOR ago IN 0..30 LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF runtime_events FOR VALUES FROM (%L) TO (%L)',
            'runtime_events_day_' || ago, day - ago * interval '1 day',
            day - (ago - 1) * interval '1 day'
        );
    END LOOP;
END $$
"""
FILL = """
INSERT INTO runtime_events (
    id, recorded_at, source, endpoint, raw_endpoint, runtime_ms, runtime_cost_estimate, lane, number
)
SELECT
    'rt_' || md5(n::text), now() - (%(events)s - n) * %(days)s * interval '1 day' / %(events)s,
    'api', '/api/' || n %% 50, '/api/1', 1.5, 0, n %% 64, n
FROM generate_series(1, %(events)s) AS n
"""
DROP = "SELECT * FROM drop_runtime_events_partition(now() + interval '1 day')"
FORGET = """
SELECT next_block FROM forget_runtime_event_ids(now() + interval '1 day', %s, 50)
"""

Db = psycopg.Connection[Any]


def make(server: str, name: str, *, parted: bool) -> Db:
    """Return a connection to a new database with events of a month."""
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        db.execute(f"CREATE DATABASE {name}")
    url = server.rpartition("/")[0] + f"/{name}"
    runner.migrate(url, lambda _: None)
    if parted:
        Conversion(url, lambda _: None).partition()
    db = psycopg.connect(url, autocommit=True, options=SETTINGS)
    if parted:
        db.execute(PAST_DAYS)
        db.execute("SELECT add_runtime_events_partition(n) FROM generate_series(1, 7) AS n")
    db.execute("ALTER TABLE runtime_events DISABLE TRIGGER number_runtime_event")
    db.execute(FILL, {"events": EVENTS, "days": DAYS})
    db.execute("ALTER TABLE runtime_events ENABLE TRIGGER number_runtime_event")
    db.execute("SELECT setval('runtime_events_number_seq', %s)", [EVENTS + 1])
    db.execute("VACUUM ANALYZE")
    return db


def cpu_ms(db: Db, work: Callable[[Db], object], times: int) -> float:
    """Return the CPU time of the server's process, in milliseconds of one call."""
    file = Path(f"/proc/{db.info.backend_pid}/schedstat")
    before = int(file.read_text().split()[0])
    for _ in range(times):
        work(db)
    return (int(file.read_text().split()[0]) - before) / times / 1e6


def events(ids: list[str]) -> dict[str, str]:
    """Return the parameters of create.sql."""
    common = {"source": "api", "endpoint": "/api/1", "raw_endpoint": "/api/1", "method": "GET"}
    numbers = {"status_code": 200, "runtime_ms": 1.5, "runtime_cost_estimate": 0, "metadata": {}}
    return {"events": json.dumps([{"id": it, **common, **numbers} for it in ids])}


def new_ids(count: int) -> list[str]:
    """Return ids as the service makes them."""
    return [f"rt_{uuid4().hex}" for _ in range(count)]


def cases(db: Db, events_stored: int = EVENTS) -> dict[str, tuple[int, Callable[[Db], object]]]:
    """Return what is measured: how often in a turn, and the work."""
    create = statements.load("runtime_events/create")
    existing = statements.load("runtime_events/find_existing")
    first = "SELECT id FROM runtime_events ORDER BY number LIMIT 1000"
    known = db.cursor(row_factory=scalar_row).execute(first).fetchall()
    idle = [lane * 10**17 + events_stored * 2 for lane in range(64)]
    behind = [lane * 10**17 + events_stored - 30_000 for lane in range(64)]
    page = {"source": None, "endpoint_prefix": None, "since": None, "cursor_recorded_at": None}
    page |= {"cursor_id": None, "row_limit": 51, "row_offset": 0}
    summary = {"seconds": 86400, "source": None, "row_limit": 50}

    def read(name: str, parameters: Any = None, *, prepare: bool = True) -> Callable[[Db], object]:
        text = statements.load(f"runtime_events/{name}")
        return lambda it: it.execute(text, parameters, prepare=prepare).fetchall()

    def again(it: Db) -> None:
        it.execute(create, events(known), prepare=True)
        it.execute(existing, {"ids": known}, prepare=True).fetchall()

    return {
        "create of one": (100, lambda it: it.execute(create, events(new_ids(1)), prepare=True)),
        "batch of 1,000": (3, lambda it: it.execute(create, events(new_ids(1000)), prepare=True)),
        "batch of 1,000 that exist": (2, again),
        "get": (50, read("get", {"id": known[5]})),
        "list, newest 50": (20, read("list", page, prepare=False)),
        "feed, nothing new": (20, read("feed", {"positions": idle, "row_limit": 101})),
        "feed, 100 events": (10, read("feed", {"positions": behind, "row_limit": 101})),
        "change token": (20, read("change_token")),
        "summary of a day": (3, read("summary", summary, prepare=False)),
    }


def retention(plain: Db, parted: Db) -> None:
    """Print what it costs to delete a million events."""
    prune = statements.load("retention/prune_runtime_events")

    def delete(db: Db) -> None:
        walk: dict[str, Any] = {"after_recorded_at": "-infinity", "row_limit": 2000}
        while True:
            parameters = {**walk, "cutoff": "infinity"}
            walked, _, last = db.execute(prune, parameters, prepare=False).fetchone() or (0, 0, 0)
            if walked < 2000:
                return
            walk["after_recorded_at"] = last

    def drop(db: Db) -> None:
        while db.execute(DROP).fetchone():
            pass

    def forget(db: Db) -> None:
        block = 0
        while block is not None:
            [block] = db.execute(FORGET, [block]).fetchone() or (None,)

    for name, db, work in (
        ("DELETE in batches", plain, delete),
        ("DROP of 31 partitions", parted, drop),
        ("the ids after it", parted, forget),
    ):
        rows = db.execute("SELECT count(*) FROM runtime_events").fetchone()
        before, began = db.execute("SELECT pg_current_wal_lsn()").fetchone(), monotonic()
        used = cpu_ms(db, work, 1)
        seconds = monotonic() - began
        [wal] = db.execute("SELECT pg_current_wal_lsn() - %s::pg_lsn", before).fetchone() or (0,)
        print(
            f"{name}: {rows}, {used / 1000:.1f} s CPU, {seconds:.1f} s, {wal / 2**20:.0f} MiB WAL"
        )


def main(server: str) -> None:
    """Measure, and print the results."""
    plain = make(server, "bench_plain", parted=False)
    parted = make(server, "bench_parted", parted=True)
    rows = parted.execute(
        "SELECT pg_table_size('runtime_event_ids'), pg_relation_size('runtime_event_ids_pkey'),"
        " (SELECT sum(pg_total_relation_size(partition)) FROM runtime_events_partitions()),"
        " (SELECT count(*) FROM runtime_events_partitions())"
    ).fetchone()
    of_plain = plain.execute("SELECT pg_total_relation_size('runtime_events')").fetchone()
    print("bytes: ids, their index, partitions; partitions:", rows, "plain:", of_plain)
    work = cases(plain)
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for db in (plain, parted):
        for _, run in work.values():
            for _ in range(7):
                run(db)
    for _ in range(ROUNDS):
        for name, (times, run) in work.items():
            results[name].append((cpu_ms(plain, run, times), cpu_ms(parted, run, times)))
    for name, pairs in results.items():
        ratio = median(of_parted / of_plain for of_plain, of_parted in pairs)
        columns = [median(column) for column in zip(*pairs, strict=True)]
        print(f"{name:28} {columns[0]:8.2f} {columns[1]:8.2f} ms, ratio {ratio:.2f}")
    retention(plain, parted)


if __name__ == "__main__":
    main(sys.argv[1])
