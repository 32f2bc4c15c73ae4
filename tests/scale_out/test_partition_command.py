"""python -m telemetry partition, and back, in use."""

import threading

import psycopg
import pytest

from telemetry.scale_out import partition as under_test
from tests.support.command import telemetry
from tests.support.databases import schema
from tests.support.feed import Follower, get_with
from tests.support.partitions import LEFTOVERS, partitions, unmatched_ids
from tests.support.retention import add_events
from tests.support.rights import retention_granted
from tests.support.runtime_events import TOKEN_URL, URL, minimal_event

pytestmark = pytest.mark.long


@pytest.fixture
def database_url(plain_url):
    """The URL of a database that is not partitioned."""
    return plain_url


@pytest.fixture
def partition(database_url):
    def run(*arguments):
        done = telemetry("partition", *arguments, DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


def rights(db):
    return db.execute("""
        SELECT relname, privilege_type, grantee::regrole::text AS grantee
        FROM pg_class CROSS JOIN aclexplode(relacl)
        WHERE relname IN ('runtime_events', 'runtime_events_number_seq')
        ORDER BY 1, 2, 3
    """).fetchall()


def test_there_and_back(partition, client, db, database_url):
    add_events(db, "old", "40 days", count=5)
    add_events(db, "young", "1 hour", count=5)
    db.execute("ALTER TABLE runtime_events ADD COLUMN noted text DEFAULT 'x'")
    db.execute("ALTER TABLE runtime_events ADD CONSTRAINT of_a_dba CHECK (id <> 'refused')")
    db.execute("CREATE INDEX of_a_dba ON runtime_events (noted)")
    db.execute("COMMENT ON INDEX of_a_dba IS 'why'")
    with retention_granted(db):
        before, held = schema(database_url), rights(db)
        hours = db.execute("SELECT * FROM telemetry_views.runtime_events_by_hour").fetchall()
        listed, token = client.get(URL).json["items"], client.get(TOKEN_URL).json
        assert len(listed) == 10
        assert "runtime_events has 6 partitions" in partition()
        assert "partitioned already" in partition()
        for _ in range(2):
            # The connections of the service have statements that were prepared before.
            assert client.get(URL).json["items"] == listed
            assert client.get(TOKEN_URL).json == token
            found = db.execute("SELECT * FROM telemetry_views.runtime_events_by_hour").fetchall()
            assert found == hours
            assert client.get("/api/ready").status_code == 200
            assert client.post(URL, json=minimal_event(id="young-1")).status_code == 200
        assert rights(db) == held
        assert unmatched_ids(db) == []
        assert client.post(URL, json=minimal_event(id="refused")).status_code == 400
        assert client.post(URL, json=minimal_event(id="new")).status_code == 201
        listed, token = client.get(URL).json["items"], client.get(TOKEN_URL).json
        assert "one plain table again" in partition("--undo")
        assert client.get(URL).json["items"] == listed
        assert client.get(TOKEN_URL).json == token
        assert client.post(URL, json=minimal_event(id="new")).status_code == 200
        assert client.post(URL, json=minimal_event(id="newer")).status_code == 201
        assert client.get("/api/ready").status_code == 200
        assert schema(database_url) == before
        assert rights(db) == held
    assert db.execute(LEFTOVERS).fetchall() == []
    assert "nothing to undo" in partition("--undo")


def test_writers_write_meanwhile(partition, client, db, default_app, database_url):
    add_events(db, "old", "40 days", count=200)
    follower = Follower(get_with(client), "/api/v1/feed/runtime-events", limit=50)
    seen = [it["id"] for it in follower.catch_up()]
    stop, sent, failed = threading.Event(), [], []

    def write(writer):
        own = default_app(database_url).test_client()
        while not stop.is_set():
            name = f"w-{writer}-{len(sent)}"
            response = own.post(URL, json=minimal_event(id=name))
            (sent if response.status_code == 201 else failed).append(name)

    threads = [threading.Thread(target=write, args=[n]) for n in range(3)]
    for thread in threads:
        thread.start()
    try:
        partition()
        seen += [it["id"] for it in follower.catch_up()]
        partition("--undo")
        partition()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    seen += [it["id"] for it in follower.catch_up()]
    assert failed == []
    assert len(sent) > 3
    stored = [row["id"] for row in db.execute("SELECT id FROM runtime_events")]
    assert sorted(stored) == sorted({*sent} | {f"old-{n}" for n in range(1, 201)})
    assert sorted(seen) == sorted(stored)
    assert unmatched_ids(db) == []


def test_a_dry_run_changes_nothing(partition, db, database_url):
    before = schema(database_url)
    said = partition("--dry-run")
    assert "would make the table the first partition" in said
    assert "nothing to do" in partition("--dry-run", "--undo")
    assert schema(database_url) == before
    partition()
    before = schema(database_url)
    assert "nothing to do" in partition("--dry-run")
    assert "would copy all events" in partition("--dry-run", "--undo")
    assert schema(database_url) == before


def test_a_dry_run_says_what_is_in_the_way_of_this_direction_alone(partition, db, database_url):
    db.execute("CREATE MATERIALIZED VIEW kept AS SELECT id FROM runtime_events")
    assert "nothing to do" in partition("--dry-run", "--undo")
    for arguments in (["--dry-run"], []):
        done = telemetry("partition", *arguments, DATABASE_URL=database_url)
        assert (done.returncode, "view kept" in done.stderr) == (1, True)
    db.execute("DROP MATERIALIZED VIEW kept")
    partition()
    add_events(db, "future", "-90 days")
    assert "would copy all events" in partition("--dry-run", "--undo")
    db.execute("CREATE MATERIALIZED VIEW kept AS SELECT id FROM runtime_events")
    assert "nothing to do" in partition("--dry-run")
    done = telemetry("partition", "--dry-run", "--undo", DATABASE_URL=database_url)
    assert (done.returncode, "view kept" in done.stderr) == (1, True)


@pytest.mark.parametrize("interrupted", ["ADD_CHECK", "VALIDATE_CHECK", "SWAP"])
def test_events_of_any_time_are_accepted_after_an_interruption(
    partition, db, database_url, monkeypatch, interrupted
):
    # The text of a statement that takes long; the rest of its transaction is not run.
    text = getattr(under_test, interrupted) + b"; SELECT 1 / 0"
    monkeypatch.setattr(under_test, interrupted, text)
    done = telemetry("partition", DATABASE_URL=database_url)
    assert "division by zero" in done.stderr
    assert "runtime_events_boundary" not in str(db.execute(LEFTOVERS).fetchall())
    monkeypatch.undo()
    assert "6 partitions" in partition()


def test_a_partition_that_was_begun_can_be_undone(partition, db, database_url, monkeypatch):
    before = schema(database_url)
    monkeypatch.setattr(under_test, "SWAP", b"SELECT 1 / 0")
    telemetry("partition", DATABASE_URL=database_url)
    monkeypatch.undo()
    assert "has left" in partition("--undo", "--dry-run")
    assert "has left" in partition("--undo")
    assert "nothing to do" in partition("--undo", "--dry-run")
    assert db.execute(LEFTOVERS).fetchall() == []
    assert schema(database_url) == before


def test_an_undo_that_did_not_end_is_gone_on_with_or_taken_back(
    partition, db, database_url, monkeypatch
):
    partition()
    add_events(db, "old", "1 hour", count=20)
    monkeypatch.setattr(under_test, "UNDO_SWAP", b"SELECT 1 / 0")
    telemetry("partition", "--undo", DATABASE_URL=database_url)
    monkeypatch.undo()
    add_events(db, "new", "0 days", count=20)
    db.execute("DELETE FROM runtime_events WHERE id IN ('old-3', 'new-3')")
    db.execute("UPDATE runtime_events SET endpoint = '/b' WHERE id IN ('old-4', 'new-4')")
    done = telemetry("prune", "--events-older-than", "1d", DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    assert "removed the copy" in partition()
    monkeypatch.setattr(under_test, "UNDO_SWAP", b"SELECT 1 / 0")
    telemetry("partition", "--undo", DATABASE_URL=database_url)
    monkeypatch.undo()
    assert "would remove the copy" in partition("--dry-run")
    db.execute("DELETE FROM runtime_events WHERE id IN ('old-5', 'new-5')")
    before = db.execute("SELECT * FROM runtime_events ORDER BY id").fetchall()
    assert len(before) == 36
    partition("--undo")
    assert db.execute("SELECT * FROM runtime_events ORDER BY id").fetchall() == before


def test_only_the_owner_may(database_url):
    url = database_url.replace("://postgres:@", "://telemetry_web:@")
    done = telemetry("partition", DATABASE_URL=url)
    assert "does not own runtime_events" in done.stderr


def test_two_at_once_are_refused(database_url):
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_lock(7311)")
        done = telemetry("partition", DATABASE_URL=database_url)
    assert "another command" in done.stderr


def test_the_doctor_names_what_is_wrong(partition, db, database_url):
    def doctor():
        return telemetry("doctor", DATABASE_URL=database_url).stdout

    db.execute(
        "ALTER TABLE runtime_events ADD CONSTRAINT runtime_events_boundary"
        " CHECK (recorded_at < 'infinity') NOT VALID"
    )
    assert "a `partition` that was killed" in doctor()
    partition()
    assert "7 days after today" in doctor()
    for name in partitions(db)[1:-1]:
        db.execute(f"DROP TABLE {name}")
    add_events(db, "future", "-30 days")
    found = doctor()
    assert "events of today or later are in the partition runtime_events_default" in found
    # Retention drops the oldest; without a web process, nobody adds any.
    db.execute(f"DROP TABLE {partitions(db)[0]}")
    found = doctor()
    assert "partitions for 0 days after today" in found
    assert "events of today or later are in the partition runtime_events_default" in found
