"""A dump, restored into a new cluster by the commands of docs/backup.md, goes on as it says."""

import psycopg
import pytest

from telemetry.database.embedded import embedded_postgres
from tests.support.command import telemetry
from tests.support.databases import database, execute
from tests.support.feed import get_with
from tests.support.followers import continue_with, followers, seen, write
from tests.support.restored import (
    Shell,
    assert_counts_are_exact,
    commands,
    names_stored,
    sequences_moved,
)
from tests.support.rights import create_serving_role
from tests.support.runtime_events import TOKEN_URL
from tests.support.server import folder

NEXT_TRANSACTION = "SELECT pg_current_xact_id()::text::bigint"


def newest_event(url, device):
    with psycopg.connect(url) as connection:
        statement = "SELECT max(event_id) FROM os_core.audio_runtime_events WHERE device_id = %s"
        return connection.execute(statement, [device]).fetchone()[0]


def verify(url, heads):
    done = telemetry("verify", "--heads", str(heads), DATABASE_URL=url)
    return done.returncode, done.stdout.splitlines()


def missing(device, event_id):
    return f"tenant_id=tenant-1 device_id={device} event_id={event_id} problem=kept_event_missing"


@pytest.fixture
def filled(client):
    """A client of a service with three devices and seven records of each kind."""
    for number in (1, 2, 3):
        path = f"/api/v1/devices/device-{number}"
        assert client.put(path, json={"tenant_id": "tenant-1"}).status_code in (200, 201)
    write(client, *[f"old-{number}" for number in range(6)])
    write(client, "old-6", device="device-2")
    return client


@pytest.mark.long
@pytest.mark.one_node("restores into a server without Citus")
def test_after_a_dump_and_restore_into_a_new_cluster(make_app, filled, database_url, db):
    client = filled
    [dump, restore] = commands("## Dump and restore")
    early = followers(get_with(client))
    assert len(seen(early)) == 7
    write(client, "unseen")
    with folder() as parent, embedded_postgres(parent / "data") as url:
        restored = database(url, "telemetry")
        shell = Shell(parent, OWNER_URL=database_url, NEW_SERVER_URL=url, NEW_DATABASE_URL=restored)
        shell.run(dump)
        stored, token = names_stored(database_url), client.get(TOKEN_URL).json
        kept = parent / "kept.jsonl"
        heads_at_dump = telemetry("heads", "--append", str(kept), DATABASE_URL=database_url)
        assert heads_at_dump.returncode == 0
        write(client, "lost-1", "lost-2")
        late = followers(get_with(client))
        assert seen(late)[-1] == "lost-2"
        later = parent / "later.jsonl"
        assert telemetry("heads", "--append", str(later), DATABASE_URL=database_url).returncode == 0
        lost_head = newest_event(database_url, "device-1")

        shell.run(restore)
        create_serving_role(restored)
        with psycopg.connect(restored) as connection:
            after = connection.execute(NEXT_TRANSACTION).fetchone()[0]
        before = db.execute(f"{NEXT_TRANSACTION} AS id").fetchone()["id"]
        assert after < before, "transaction ids start again, or the test shows nothing"
        assert telemetry("migrate", "--status", DATABASE_URL=restored).returncode == 0
        assert telemetry("verify", DATABASE_URL=restored).stdout == ""
        assert verify(restored, kept) == (0, [])
        assert verify(restored, later) == (1, [missing("device-1", lost_head)])

        app = make_app(database_url=restored)
        new = app.test_client()
        assert new.get("/api/ready").status_code == 200
        assert names_stored(restored) == stored
        assert_counts_are_exact(get_with(new), restored)
        assert new.get(TOKEN_URL).json == token
        moved_early, moved_late = [continue_with(get_with(new), it) for it in (early, late)]
        assert seen(moved_late) == []
        execute(restored, sequences_moved())
        write(new, "new-1", "new-2")
        assert new.get(TOKEN_URL).json != token
        assert seen(moved_early) == ["unseen", "new-1", "new-2"]
        assert seen(moved_late) == ["new-1", "new-2"]
        new.patch("/api/v1/runs/old-1", json={"items_failed": 1})
        for following in (moved_early, moved_late):
            assert [run["event_id"] for run in following["runs"].catch_up()] == ["old-1"]
        assert telemetry("verify", DATABASE_URL=restored).stdout == ""
        # What was lost is still named, because its id is not given again.
        assert verify(restored, later) == (1, [missing("device-1", lost_head)])
        assert new.get("/api/ready").status_code == 200
