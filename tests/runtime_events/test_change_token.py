"""GET /api/runtime/change-token."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.runtime_events import BATCH_URL, TOKEN_URL, URL, full_event, minimal_event
from tests.support.waiting import locks_awaited, wait_until

INSERT = """
    INSERT INTO runtime_events (id, source, endpoint, raw_endpoint, runtime_ms,
        runtime_cost_estimate)
    VALUES (%s, 'api', '/', '/', 1, 0)
"""


def token(client):
    response = client.get(TOKEN_URL)
    assert response.status_code == 200
    assert set(response.json) == {"token"}
    return response.json["token"]


def test_it_works(events):
    seen = [token(events)]
    for _ in range(3):
        events.post(URL, json=minimal_event())
        seen.append(token(events))
        assert token(events) == seen[-1]
    assert len({*seen}) == 4


def test_it_stays_the_same_when_no_new_event_is_stored(events):
    events.post(URL, json=full_event())
    before = token(events)
    events.post(URL, json=full_event())
    events.post(BATCH_URL, json=[full_event()])
    events.post(URL, json={})
    assert token(events) == before


def test_it_is_the_same_in_every_process(event_app):
    one, other = event_app().test_client(), event_app().test_client()
    before = token(one)
    other.post(URL, json=minimal_event())
    assert token(one) == token(other) != before


def test_it_changes_at_each_of_two_commits_in_reverse_order(client, database_url):
    with psycopg.connect(database_url) as first, psycopg.connect(database_url) as second:
        seen = [token(client)]
        first.execute(INSERT, ["first"])
        second.execute(INSERT, ["second"])
        assert token(client) == seen[0]
        second.commit()
        seen.append(token(client))
        first.commit()
        seen.append(token(client))
    assert len({*seen}) == 3


def test_it_changes_when_only_one_lane_is_free(client, database_url, db):
    db.execute("SELECT pg_advisory_lock(7306, lane) FROM generate_series(0, 62) AS lane")
    with psycopg.connect(database_url) as connection:
        connection.execute(INSERT, ["event"])
        before = token(client)
        connection.commit()
    assert token(client) != before


def test_it_changes_at_each_commit_of_many_writers(client, database_url):
    writers = [psycopg.connect(database_url) for _ in range(12)]
    seen = [token(client)]
    for number, writer in enumerate(writers):
        writer.execute(INSERT, [str(number)])
    for writer in sorted(writers, key=id):
        writer.commit()
        writer.close()
        seen.append(token(client))
    assert len({*seen}) == 13


def test_it_stays_the_same_after_a_rollback(client, database_url):
    client.post(URL, json=minimal_event())
    before = token(client)
    with psycopg.connect(database_url) as connection:
        connection.execute(INSERT, ["gone"])
        connection.rollback()
    assert token(client) == before


def test_it_changes_after_old_events_were_deleted(client, db):
    client.post(URL, json=full_event(id="old"))
    before = token(client)
    db.execute("DELETE FROM runtime_events")
    client.post(URL, json=full_event(id="new"))
    assert token(client) != before


def test_it_stays_the_same_when_other_tables_change(client, db):
    client.post(URL, json=minimal_event())
    before = token(client)
    db.execute("CREATE TABLE other AS SELECT 1")
    assert token(client) == before


def test_a_writer_waits_when_every_lane_is_taken(client, db, database_url):
    db.execute("SELECT pg_advisory_lock(7306, lane) FROM generate_series(0, 63) AS lane")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database_url, autocommit=True) as other:
        before = token(client)
        writing = pool.submit(client.post, URL, json=minimal_event())
        wait_until(lambda: locks_awaited(other) > 0)
        db.execute("SELECT pg_advisory_unlock_all()")
        assert writing.result().status_code == 201
    assert token(client) != before


@pytest.mark.one_node("no trigger looks whether the sequence is behind there: see docs/scale.md")
@pytest.mark.parametrize("setting", ["setval('runtime_events_number_seq', 1)", "restart"])
def test_it_changes_when_the_sequence_is_behind(make_app, db, setting):
    """As after a logical failover, which copies no sequence; each new session looks once."""
    for number in range(200):
        db.execute(INSERT, [f"loaded-{number}"])
    if setting == "restart":
        db.execute("ALTER SEQUENCE runtime_events_number_seq RESTART")
    else:
        db.execute(f"SELECT {setting}")
    client = make_app().test_client()
    seen = [token(client)]
    for number in range(5):
        client.post(URL, json=minimal_event())
        seen.append(token(client))
        client.post(BATCH_URL, json=[minimal_event(id=f"{number}-{n}") for n in range(3)])
        seen.append(token(client))
    assert len({*seen}) == len(seen)
    numbers = (
        "SELECT count(*) AS rows, count(DISTINCT (lane, number)) AS numbers FROM runtime_events"
    )
    row = db.execute(numbers).fetchone()
    assert row["rows"] == row["numbers"] == 220
    assert client.post(URL, json=minimal_event()).status_code == 201


def test_a_session_that_has_seen_the_sequence_above_looks_no_more(db):
    db.execute(INSERT, ["first"])
    setting = "SELECT current_setting('telemetry.numbers_are_above') AS value"
    assert db.execute(setting).fetchone()["value"] == "yes"


def test_a_number_in_another_lane_does_not_move_one(db, database_url):
    """Another session may store a higher number after this one has drawn its own."""
    db.execute(INSERT, ["first"])
    other = "UPDATE runtime_events SET number = number + 100, lane = (lane + 32) % 64"
    db.execute(other)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(INSERT, ["second"])
    numbers = db.execute("SELECT id, number FROM runtime_events ORDER BY number").fetchall()
    assert [row["id"] for row in numbers] == ["second", "first"]
    assert numbers[0]["number"] == numbers[1]["number"] - 99
