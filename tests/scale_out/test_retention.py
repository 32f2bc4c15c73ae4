"""Retention of a partitioned table drops partitions, and nothing that a client sees changes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from telemetry.retention import partitions as under_test
from tests.scale_out.test_ids import others
from tests.support.command import telemetry
from tests.support.feed import Follower, get_with
from tests.support.partitions import partitions, unmatched_ids
from tests.support.retention import add_events, names, state
from tests.support.rights import retention_granted, serving
from tests.support.runtime_events import TOKEN_URL, URL, minimal_event
from tests.support.waiting import locks_awaited, wait_until

__all__ = ["others"]

pytestmark = pytest.mark.long

DAYS_2 = timedelta(days=2)


@pytest.fixture
def prune(database_url):
    def run(*arguments, **environ):
        done = telemetry("prune", *arguments, DATABASE_URL=database_url, **environ)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def attempt(app):
    """Let the application do what its thread does now and then."""
    daily = app.extensions["daily_retention"]
    daily._add_partitions()
    for kind, age in daily._ages:
        daily._attempt(kind, age)


def ids(db):
    return {row["id"] for row in db.execute("SELECT id FROM runtime_event_ids")}


def test_old_partitions_are_dropped_and_their_ids_deleted(prune, db):
    add_events(db, "imported", "90 days", count=3)
    add_events(db, "old", "4 days", count=5)
    add_events(db, "young", "1 minute", count=2)
    before = partitions(db)
    printed = prune("--events-older-than", "2d", "--dry-run")
    assert "dry run: would delete 8 runtime events older than 2d" in printed
    assert printed.count("dry run: would drop runtime_events_p") == 3
    assert "8 runtime events older than 2d deleted" in prune("--events-older-than", "2d")
    assert partitions(db) == before[3:]
    assert names(db, "runtime_events") == {"young"}
    assert {it.rpartition("-")[0] for it in ids(db)} == {"young"}
    assert unmatched_ids(db) == []
    assert state(db, "runtime_events")["deleted"] == 8


def test_a_day_is_kept_as_a_whole(prune, db):
    db.execute("""
        INSERT INTO runtime_events (
            id, recorded_at, source, endpoint, raw_endpoint, runtime_ms, runtime_cost_estimate
        )
        SELECT 'e' || moment, moment, 'api', '/', '/', 1, 0
        FROM unnest(ARRAY[
            date_trunc('day', now() - interval '2 days', 'UTC'),
            date_trunc('day', now() - interval '2 days', 'UTC') - interval '1 microsecond'
        ]) AS moment
    """)
    assert "1 runtime events" in prune("--events-older-than", "2d")


@pytest.mark.parametrize("young", [0, 3])
def test_the_change_token_stays_the_same(prune, db, client, young):
    add_events(db, "old", "4 days", count=3)
    add_events(db, "young", "1 minute", count=young)
    before = client.get(TOKEN_URL).json
    assert "3 runtime events" in prune("--events-older-than", "2d")
    assert client.get(TOKEN_URL).json == before
    add_events(db, "new", "0 days")
    assert client.get(TOKEN_URL).json != before


def test_a_follower_misses_nothing_that_is_left(prune, db, client):
    follower = Follower(get_with(client), "/api/v1/feed/runtime-events", limit=3)
    add_events(db, "old", "4 days", count=5)
    seen = [it["id"] for it in follower.poll()]
    add_events(db, "young", "1 minute", count=5)
    prune("--events-older-than", "2d")
    add_events(db, "new", "0 days", count=5)
    seen += [it["id"] for it in follower.catch_up()]
    assert [it for it in seen if not it.startswith("old")] == [
        f"{name}-{number}" for name in ("young", "new") for number in range(1, 6)
    ]


def test_a_number_of_a_dropped_event_is_not_given_again(prune, db):
    add_events(db, "old", "4 days", count=3)
    highest = db.execute("SELECT max(number) AS it FROM runtime_events").fetchone()["it"]
    prune("--events-older-than", "2d")
    db.execute("SELECT setval('runtime_events_number_seq', 1)")
    db.execute("SET telemetry.numbers_are_above = 'no'")
    add_events(db, "new", "0 days")
    assert db.execute("SELECT number FROM runtime_events").fetchone()["number"] > highest


def test_an_event_that_is_stored_meanwhile_is_counted_and_leaves_its_number(db, others):
    one, other = others
    drop = "SELECT * FROM drop_runtime_events_partition(date_trunc('day', now(), 'UTC') - %s)"
    db.execute(drop, [timedelta(days=4)])
    add_events(db, "old", "4 days", count=5)
    with ThreadPoolExecutor() as pool:
        with one.transaction():
            add_events(one, "late", "4 days", count=3)
            dropped = pool.submit(other.execute, drop, [timedelta(days=3)])
            wait_until(lambda: locks_awaited(db) > 0)
            highest = one.execute("SELECT max(number) AS it FROM runtime_events").fetchone()
        assert dropped.result().fetchone()["events"] == 8
    assert db.execute("SELECT max(number) AS it FROM runtime_events_pruned").fetchone() == highest


def test_an_event_that_was_dropped_can_be_sent_again(prune, db, client):
    add_events(db, "old", "4 days")
    assert client.post(URL, json=minimal_event(id="old-1")).status_code == 200
    prune("--events-older-than", "2d")
    assert client.post(URL, json=minimal_event(id="old-1")).status_code == 201
    assert client.post(URL, json=minimal_event(id="old-1")).status_code == 200
    assert unmatched_ids(db) == []


def test_the_web_process_drops_and_adds_partitions(make_app, db):
    add_events(db, "old", "4 days", count=3)
    days = partitions(db)
    db.execute(f"DROP TABLE {days[-2]}")
    app = make_app(retention_events=DAYS_2)
    with retention_granted(db):
        attempt(app)
    assert partitions(db) == days[3:]
    assert names(db, "runtime_events") == set()
    assert ids(db) == set()
    assert state(db, "runtime_events")["error"] is None


def test_it_adds_partitions_without_a_retention_and_may_not_drop_any(make_app, db, database_url):
    days = partitions(db)
    db.execute(f"DROP TABLE {days[-2]}")
    attempt(make_app())
    assert partitions(db) == days
    attempt(make_app(retention_events=DAYS_2))
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        psycopg.connect(serving(database_url)) as web,
    ):
        web.execute("SELECT drop_runtime_events_partition(now())")
    assert partitions(db) == days


def test_a_day_that_the_default_partition_has_events_of_stays_without_one(make_app, db):
    days = partitions(db)
    for name in days[-3:-1]:
        db.execute(f"DROP TABLE {name}")
    add_events(db, "early", "-6 days")
    attempt(make_app())
    assert partitions(db) == [*days[:-3], *days[-2:]]
    assert names(db, "runtime_events") == {"early"}


def test_migrate_adds_partitions(database_url, db):
    days = partitions(db)
    db.execute(f"DROP TABLE {days[-2]}")
    done = telemetry("migrate", DATABASE_URL=database_url)
    assert f"added the partition {days[-2]}" in done.stdout
    assert partitions(db) == days
    assert telemetry("migrate", "--status", DATABASE_URL=database_url).returncode == 0
    refused = telemetry("migrate", "--rollback", "1", DATABASE_URL=database_url)
    assert "partition --undo" in refused.stderr


def test_a_reader_holds_a_drop_up_and_no_writer_waits_long(
    prune, db, client, database_url, monkeypatch
):
    monkeypatch.setattr(under_test, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(under_test, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(under_test, "ATTEMPTS", 2)
    add_events(db, "old", "4 days")
    with psycopg.connect(database_url) as reader:
        reader.execute("SELECT count(*) FROM runtime_events")
        done = telemetry("prune", "--events-older-than", "2d", DATABASE_URL=database_url)
        assert done.returncode == 1
        assert "lock timeout" in done.stderr
        assert client.post(URL, json=minimal_event()).status_code == 201
    assert "1 runtime events" in prune("--events-older-than", "2d")


def test_the_page_of_the_status_shows_one_table(client, db):
    add_events(db, "old", "4 days", count=3)
    db.execute("ANALYZE")
    page = client.get("/status").text
    assert page.count("runtime_events<") >= 1
    assert "runtime_events_p2" not in page
