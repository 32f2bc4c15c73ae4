"""Partitions of runtime events whose shards are on workers: one event per id, and retention."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import errors
from psycopg.rows import dict_row

from telemetry.database.connection import Connection
from telemetry.database.unlimited import connect_without_time_limit
from telemetry.health import store
from tests.citus.test_distribute import CHANGES, objects, refusal
from tests.citus.test_fan_out import FANS_OUT, most_tasks, planned
from tests.citus.test_under_load import Load, placed
from tests.conftest import MakeApp
from tests.scale_out import test_events_over_http, test_ids, test_retention
from tests.scale_out.test_ids import INSERT, others
from tests.scale_out.test_retention import prune
from tests.support.citus import Cluster, command, distributed
from tests.support.databases import execute, rights
from tests.support.feed import Follower, get_with
from tests.support.in_doubt import undistribute_in_doubt
from tests.support.partitions import ADD_DAYS, partition_by_day, partitions, unmatched_ids
from tests.support.retention import add_events
from tests.support.rights import serving
from tests.support.runtime_events import URL, minimal_event
from tests.support.service import Service

__all__ = ["others", "prune"]

# One of them disables triggers of the table, which Citus refuses; another one rests on the trigger
# that gives numbers on one node.
FOR_ONE_NODE = {
    "test_readiness_notices_that_an_id_is_not_guarded",
    "test_a_number_of_a_dropped_event_is_not_given_again",
}

for module in (test_ids, test_retention, test_events_over_http):
    for name, it in [*vars(module).items()]:
        if name.startswith("test_") and callable(it) and name not in FOR_ONE_NODE:
            globals()[name] = it

EMPTY = """
    DELETE FROM runtime_events;
    DELETE FROM runtime_event_ids;
    TRUNCATE runtime_events_pruned, retention_passes;
    ALTER TABLE runtime_events DROP CONSTRAINT IF EXISTS no_b
"""

ORDER = "run undistribute, then this command, then distribute"

# What a command that takes the partitions back has made.
MIRROR = """
    CREATE TRIGGER mirror_runtime_event AFTER INSERT ON runtime_events
    FOR EACH ROW EXECUTE FUNCTION number_runtime_event()
"""

# What the database had on one node.
MADE: dict[str, Any] = {}


def prepare(url: str) -> None:
    partition_by_day(url)
    MADE.update(objects=objects(url), rights=rights(url))


def connected(url: str) -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def empty(url: str) -> None:
    """Delete every event, and make the partitions that are missing."""
    for statement in (*EMPTY.split(";"), ADD_DAYS):
        execute(url, statement)


@pytest.fixture(scope="module")
def partitioned() -> Iterator[Cluster]:
    """A coordinator and two workers, distributed, with a partition for each of the last days."""
    with distributed(prepare=prepare) as started:
        yield started


@pytest.fixture
def database_url(partitioned: Cluster) -> Iterator[str]:
    """The URL of the coordinator; a test leaves no event, and every partition."""
    yield partitioned.url
    empty(partitioned.url)


@pytest.fixture
def event_app(make_app: MakeApp) -> Callable[..., Flask]:
    return make_app


@pytest.fixture
def events(client: FlaskClient) -> FlaskClient:
    return client


@pytest.fixture(scope="module")
def connection(partitioned: Cluster) -> Iterator[Connection]:
    with connect_without_time_limit(partitioned.url) as opened:
        yield opened


OF_EVENTS = [
    it for it in planned() if "runtime_events" in it or it.startswith(("pages/", "health"))
]


@pytest.mark.parametrize("name", OF_EVENTS)
def test_a_statement_goes_to_as_many_shards_as_in_a_plain_table(
    connection: Connection, name: str
) -> None:
    assert (most_tasks(connection, name) > 1) == (name in FANS_OUT)


def test_every_shard_has_a_trigger_on_each_of_its_partitions(
    partitioned: Cluster, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, db: Any
) -> None:
    monkeypatch.setattr(store, "FRESH_SECONDS", 0)
    assert client.get("/api/ready").status_code == 200
    said = command(serving(partitioned.url), "doctor", check=False).stdout
    assert "for 7 days after today" in said
    parts = len(partitions(db))
    with psycopg.connect(partitioned.workers[0].url, autocommit=True) as worker:
        worker.execute("SET citus.enable_manual_changes_to_shards = on")
        worker.execute("SET citus.override_table_visibility = off")
        found = worker.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE tgname ~ '^record_runtime_event_id_[0-9]+$' AND tgparentid <> 0"
        ).fetchall()
        assert len(found) == 4 * parts
        shard, trigger = found[0]
        worker.execute(f"ALTER TABLE {shard} DISABLE TRIGGER {trigger}")
        try:
            response = client.get("/api/ready")
            assert response.status_code == 503
            assert f"trigger {shard}.{trigger} is missing, disabled or altered" in str(
                response.json
            )
        finally:
            worker.execute(f"ALTER TABLE {shard} ENABLE TRIGGER {trigger}")
    assert client.get("/api/ready").status_code == 200


def test_a_drop_waits_for_a_lock_on_a_worker_no_longer_than_for_another(
    partitioned: Cluster, db: Any
) -> None:
    oldest = partitions(db)[0]
    drop = "SELECT * FROM drop_runtime_events_partition(now())"
    with psycopg.connect(partitioned.workers[0].url) as worker:
        worker.execute("SET citus.override_table_visibility = off")
        worker.execute("SET citus.enable_manual_changes_to_shards = on")
        found = worker.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ %s", [f"^{oldest}_"]
        ).fetchone()
        assert found
        worker.execute(f"LOCK TABLE {found[0]} IN ACCESS SHARE MODE")
        db.execute("SET lock_timeout = '200ms'")
        db.execute("SET statement_timeout = '20s'")
        with pytest.raises(errors.LockNotAvailable), db.transaction():
            db.execute(drop)
    assert db.execute(drop).fetchone()["name"] == oldest


def test_the_command_names_the_order(partitioned: Cluster) -> None:
    for arguments in ([], ["--undo"], ["--dry-run"], ["--undo", "--dry-run"]):
        said = refusal(partitioned.url, "partition", *arguments)
        assert said == f"Error: the tables are distributed: {ORDER}\n"


def test_a_partition_is_dropped_under_writers(
    client: FlaskClient,
    db: Any,
    default_app: Callable[[str], Flask],
    database_url: str,
    prune: Callable[..., str],
) -> None:
    follower = Follower(get_with(client), "/api/v1/feed/runtime-events", limit=50)
    stop, sent, failed = threading.Event(), [], []

    def write(writer: int) -> None:
        own = default_app(database_url).test_client()
        while not stop.is_set():
            name = f"w-{writer}-{len(sent)}"
            statuses = [own.post(URL, json=minimal_event(id=name)).status_code for _ in range(2)]
            (sent if statuses == [201, 200] else failed).append(name)

    threads = [threading.Thread(target=write, args=[n]) for n in range(3)]
    for thread in threads:
        thread.start()
    seen = []
    try:
        for round_number in range(3):
            add_events(db, f"old{round_number}", "4 days", count=50)
            assert "50 runtime events" in prune("--events-older-than", "2d")
            execute(database_url, ADD_DAYS)
            seen += [it["id"] for it in follower.catch_up() if not it["id"].startswith("old")]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    seen += [it["id"] for it in follower.catch_up()]
    assert failed == []
    assert len(sent) > 10
    assert sorted(row["id"] for row in db.execute("SELECT id FROM runtime_events")) == sorted(sent)
    assert sorted(seen) == sorted(sent)
    assert {row["id"] for row in db.execute("SELECT id FROM runtime_event_ids")} == {*sent}
    assert unmatched_ids(db) == []


def kept(url: str) -> list[list[Any]]:
    """Return the events and the ids, on a connection that the commands have not ended."""
    with connected(url) as db:
        return [
            db.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
            for table in ("runtime_events", "runtime_event_ids")
        ]


def inserted(url: str, name: str, age: str = "0") -> int:
    with connected(url) as db:
        return db.execute(INSERT, [name, age, "/"]).rowcount


def test_there_and_back(partitioned: Cluster) -> None:
    url = partitioned.url
    with connected(url) as db:
        add_events(db, "old", "3 days", count=50)
        add_events(db, "young", "1 minute", count=50)
        db.execute("DELETE FROM runtime_events WHERE id IN ('old-7', 'young-7')")
    assert [len(it) for it in kept(url)] == [98, 100]
    undistribute_in_doubt(partitioned, {"runtime_events": CHANGES["runtime_events"]})
    assert objects(url) == MADE["objects"]
    assert rights(url) == MADE["rights"]
    before = kept(url)
    assert [len(it) for it in before] == [99, 101]
    assert inserted(url, "young-8") == 0
    execute(url, MIRROR)
    assert "did not end" in refusal(url, "distribute")
    execute(url, "DROP TRIGGER mirror_runtime_event ON runtime_events")
    with connected(url) as db:
        db.execute("SELECT pg_advisory_lock(7311)")
        assert "another command" in refusal(url, "distribute")
    assert "partitioned already" in command(url, "partition").stdout
    command(url, "distribute")
    assert kept(url) == before
    assert inserted(url, "young-9") == 0
    assert inserted(url, "young-7") == 1
    empty(url)


def test_a_new_worker_gets_shards_with_their_triggers_and_nothing_is_lost(
    partitioned: Cluster, tmp_path: Any
) -> None:
    url = partitioned.url
    service = Service({"DATABASE_URL": serving(url), "WEB_CONCURRENCY": "2"}, tmp_path)
    try:
        with Load(service.url) as load:
            load.writes(10)
            with connected(url) as db:
                add_events(db, "old", "4 days", count=50)
            worker = partitioned.add_worker()
            command(url, "distribute")
            command(url, "prune", "--events-older-than", "2d")
            execute(url, ADD_DAYS)
            load.writes(20)
        assert placed(url, "runtime_event_ids")[worker.port] >= 2
        assert {*load.failed} <= {503}
        load.assert_nothing_lost(url)
        assert httpx.get(f"{service.url}/api/ready").status_code == 200
    finally:
        service.kill()
    events, ids = kept(url)
    assert load.sent["runtime-events"] <= {row["id"] for row in events}
    assert {row["id"] for row in events} == {row["id"] for row in ids}
    with connected(url) as db:
        assert unmatched_ids(db) == []
    for row in events[:50]:
        assert inserted(url, row["id"], "-1 day") == 0
    empty(url)
