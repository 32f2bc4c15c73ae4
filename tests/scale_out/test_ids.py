"""One event per id, whichever partitions two writers write to."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.health import store
from tests.support.partitions import partitions, unmatched_ids
from tests.support.runtime_events import BATCH_URL, URL, minimal_event
from tests.support.waiting import locks_awaited, wait_until

pytestmark = pytest.mark.long

INSERT = """
    INSERT INTO runtime_events (
        id, recorded_at, source, endpoint, raw_endpoint, runtime_ms, runtime_cost_estimate
    )
    VALUES (%s, date_trunc('day', now(), 'UTC') + %s::interval, 'api', %s, '/', 1, 0)
    ON CONFLICT DO NOTHING
"""
# The last moment of yesterday, and the first of today.
SIDES_OF_MIDNIGHT = ("-1 microsecond", "0")


def stored(db):
    # Without the number of a shard.
    return db.execute(
        "SELECT endpoint, regexp_replace(tableoid::regclass::text, '_[0-9]{6}$', '') AS partition"
        " FROM runtime_events"
    ).fetchall()


@pytest.fixture
def others(database_url):
    """Two more connections."""
    settings = {"autocommit": True, "row_factory": dict_row}
    with (
        psycopg.connect(database_url, **settings) as one,
        psycopg.connect(database_url, **settings) as other,
    ):
        yield one, other


def test_two_writers_on_both_sides_of_midnight_store_one_event(db, others):
    one, other = others
    before, after = SIDES_OF_MIDNIGHT
    with ThreadPoolExecutor() as pool:
        with one.transaction():
            assert one.execute(INSERT, ["e", before, "/one"]).rowcount == 1
            second = pool.submit(other.execute, INSERT, ["e", after, "/other"])
            wait_until(lambda: locks_awaited(db) > 0)
        assert second.result().rowcount == 0
    assert [row["endpoint"] for row in stored(db)] == ["/one"]
    assert unmatched_ids(db) == []


def test_a_writer_that_gives_up_leaves_the_id_to_the_other(db, others):
    one, other = others
    before, after = SIDES_OF_MIDNIGHT
    with ThreadPoolExecutor() as pool:
        with one.transaction(force_rollback=True):
            one.execute(INSERT, ["e", before, "/one"])
            second = pool.submit(other.execute, INSERT, ["e", after, "/other"])
            wait_until(lambda: locks_awaited(db) > 0)
        assert second.result().rowcount == 1
    assert [row["endpoint"] for row in stored(db)] == ["/other"]
    assert unmatched_ids(db) == []


@pytest.mark.parametrize("gone", ["dropped", "deleted"])
def test_two_writers_of_an_id_whose_event_is_gone_store_one(db, others, gone):
    one, other = others
    db.execute(INSERT, ["e", "-3 days", "/old"])
    if gone == "dropped":
        db.execute("SELECT drop_runtime_events_partition(now() - interval '2 days')")
        while "e" in {row["id"] for row in db.execute("SELECT id FROM runtime_events")}:
            db.execute("SELECT drop_runtime_events_partition(now() - interval '2 days')")
    else:
        db.execute("DELETE FROM runtime_events")
    assert db.execute("SELECT FROM runtime_event_ids").rowcount == 1
    with ThreadPoolExecutor() as pool:
        with one.transaction():
            assert one.execute(INSERT, ["e", "-1 microsecond", "/one"]).rowcount == 1
            second = pool.submit(other.execute, INSERT, ["e", "0", "/other"])
            wait_until(lambda: locks_awaited(db) > 0)
        assert second.result().rowcount == 0
    assert [row["endpoint"] for row in stored(db)] == ["/one"]
    assert unmatched_ids(db) == []


def test_a_writer_waits_while_its_id_is_forgotten_and_stores_the_event(db, others):
    one, other = others
    db.execute(INSERT, ["e", "-3 days", "/old"])
    db.execute("DELETE FROM runtime_events")
    with ThreadPoolExecutor() as pool:
        with one.transaction():
            forgotten = one.execute("SELECT * FROM forget_runtime_event_ids(now(), 0, 10)")
            assert forgotten.fetchone() == {"next_block": None, "forgotten": 1}
            second = pool.submit(other.execute, INSERT, ["e", "0", "/new"])
            wait_until(lambda: locks_awaited(db) > 0)
        assert second.result().rowcount == 1
    assert unmatched_ids(db) == []


@pytest.mark.parametrize("again", ["-3 days", "-2 days"])
def test_an_id_that_a_writer_takes_over_is_not_forgotten(db, others, again):
    one, other = others
    db.execute(INSERT, ["e", "-3 days", "/old"])
    db.execute("DELETE FROM runtime_events")
    with ThreadPoolExecutor() as pool:
        with one.transaction():
            # An import brings a time of the past, perhaps the same one.
            assert one.execute(INSERT, ["e", again, "/new"]).rowcount == 1
            forgetting = pool.submit(
                other.execute, "SELECT forgotten FROM forget_runtime_event_ids(now(), 0, 10)"
            )
            wait_until(lambda: locks_awaited(db) > 0)
        assert forgetting.result().fetchone() == {"forgotten": 0}
    assert db.execute("SELECT FROM runtime_event_ids").rowcount == 1
    assert unmatched_ids(db) == []


@pytest.mark.parametrize("corrected", ["-1 hour", "-3 days", "-400 days"])
def test_the_id_of_an_event_that_a_dba_corrects_stays_known(db, corrected):
    db.execute(INSERT, ["e", "-1 minute", "/"])
    db.execute("UPDATE runtime_events SET recorded_at = now() + %s::interval", [corrected])
    assert db.execute(INSERT, ["e", "0", "/again"]).rowcount == 0
    assert len(stored(db)) == 1
    assert unmatched_ids(db) == []


def test_a_batch_of_duplicates_of_every_day_stores_none(client, db):
    for day in range(7):
        db.execute(INSERT, [f"e-{day}", f"-{day} days", "/"])
    assert len({row["partition"] for row in stored(db)}) == 7
    events = [minimal_event(id=f"e-{day}") for day in range(8)]
    body = client.post(BATCH_URL, json={"events": events}).json
    assert (body["inserted"], body["duplicates"]) == (1, 7), body
    assert client.post(URL, json=minimal_event(id="e-6")).status_code == 200
    assert len(stored(db)) == 8
    assert unmatched_ids(db) == []


def test_an_event_of_a_time_without_a_partition_is_stored(client, db):
    db.execute(INSERT, ["old", "-400 days", "/"])
    db.execute(INSERT, ["future", "400 days", "/"])
    assert {row["partition"] for row in stored(db)} == {partitions(db)[-1]}
    assert client.post(URL, json=minimal_event(id="old")).status_code == 200


def test_the_role_that_serves_has_no_right_on_the_ids(default_app, database_url, db):
    client = default_app(database_url).test_client()
    assert client.post(URL, json=minimal_event(id="e")).status_code == 201
    assert not db.execute(
        "SELECT FROM pg_roles WHERE rolname = 'telemetry_web'"
        " AND has_table_privilege(oid, 'runtime_event_ids', 'SELECT, INSERT, UPDATE, DELETE')"
    ).fetchall()


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        (
            "ALTER TABLE runtime_events DISABLE TRIGGER record_runtime_event_id",
            "record_runtime_event_id is missing or disabled",
        ),
        (
            "ALTER TABLE runtime_event_ids DROP CONSTRAINT runtime_event_ids_pkey",
            "the primary key of runtime_event_ids is missing",
        ),
    ],
)
def test_readiness_notices_that_an_id_is_not_guarded(client, db, monkeypatch, change, failure):
    monkeypatch.setattr(store, "FRESH_SECONDS", 0)
    assert client.get("/api/ready").status_code == 200
    db.execute(change)
    response = client.get("/api/ready")
    assert response.status_code == 503
    assert failure in str(response.json)
