"""A cursor of a feed stays valid when the database is killed; test_dump.py restores one."""

import psycopg
import pytest

from tests.support.databases import execute
from tests.support.feed import get_with
from tests.support.followers import continue_with, followers, seen, write


def bind(client):
    tenant = {"tenant_id": "tenant-1"}
    assert client.put("/api/v1/devices/device-1", json=tenant).status_code in (200, 201)


@pytest.mark.faults
@pytest.mark.parametrize("times", [3])
def test_after_kill_9_of_the_server(make_app, server, times):
    execute(server.url, "ALTER SYSTEM SET synchronous_commit = on")
    app = make_app(database_url=server.url)
    bind(app.test_client())
    following = followers(get_with(app.test_client()))
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
        following = continue_with(get_with(app.test_client()), following)
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
        following = followers(get_with(client))
        for follower in following.values():
            assert follower.poll(after="now") == []
        write(client, "b")
        assert seen(following) == ["b"]
        assert seen(followers(get_with(client))) == ["a", "b"]
    finally:
        for table, name in added:
            db.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
