"""POST /api/runtime/events/batch, the same on both backends."""

import json

import pytest

from telemetry.database import statements
from tests.support.runtime_events import BATCH_URL, URL, full_event, minimal_event


def ids(events):
    return {event["id"] for event in events.get(URL).json["items"]}


def test_it_works(events):
    batch = [full_event(id="a"), minimal_event(), full_event(id="b")]
    response = events.post(BATCH_URL, json=batch)
    assert response.status_code == 200
    assert response.json == {
        "inserted": 3,
        "duplicates": 0,
        "completed": 0,
        "errors": [],
        "total": 3,
    }
    assert {"a", "b"} < ids(events)


def test_it_accepts_every_shape(events):
    lines = "\n".join(json.dumps(full_event(id=it)) for it in "ab")
    first = events.post(BATCH_URL, data=lines, content_type="application/x-ndjson")
    second = events.post(BATCH_URL, json={"events": [full_event(id="c")]})
    assert (first.json["inserted"], second.json["inserted"]) == (2, 1)
    assert ids(events) == {"a", "b", "c"}


def test_it_counts_duplicates(events):
    events.post(URL, json=full_event(id="a", runtime_ms=1))
    response = events.post(BATCH_URL, json=[full_event(id=it) for it in "abab"])
    assert response.json == {
        "inserted": 1,
        "duplicates": 3,
        "completed": 0,
        "errors": [],
        "total": 4,
    }
    again = events.post(BATCH_URL, json=[full_event(id=it) for it in "ab"])
    assert again.json == {"inserted": 0, "duplicates": 2, "completed": 0, "errors": [], "total": 2}
    kept = {event["id"]: event["runtime_ms"] for event in events.get(URL).json["items"]}
    assert kept == {"a": 1, "b": 1500}


def test_it_reports_bad_events_and_stores_the_others(events):
    response = events.post(
        BATCH_URL, json=[full_event(id="a", source="x"), 7, full_event(id="b", colour=1)]
    )
    assert response.status_code == 200
    assert (response.json["inserted"], response.json["total"]) == (1, 3)
    assert response.json["ignored_fields"] == ["colour"]
    assert [(it["index"], it["id"]) for it in response.json["errors"]] == [(0, "a"), (1, None)]
    assert response.json["errors"][0]["detail"][0]["loc"] == ["body", 0, "source"]
    assert ids(events) == {"b"}


def test_it_rejects_a_batch_without_a_good_event(events):
    response = events.post(BATCH_URL, json=[{}, minimal_event(runtime_ms=0)])
    assert response.status_code == 422
    assert (response.json["inserted"], len(response.json["errors"])) == (0, 2)


def test_it_accepts_an_empty_batch(events):
    response = events.post(BATCH_URL, json=[])
    assert response.status_code == 200
    assert response.json == {
        "inserted": 0,
        "duplicates": 0,
        "completed": 0,
        "errors": [],
        "total": 0,
    }


def test_it_accepts_10_000_events_and_no_more(events):
    batch = [minimal_event(id=f"event-{number}") for number in range(10_001)]
    assert events.post(BATCH_URL, json=batch).status_code == 422
    assert ids(events) == set()
    assert events.post(BATCH_URL, json=batch[:10_000]).json["inserted"] == 10_000
    assert events.post(BATCH_URL, json=batch[1:]).json["duplicates"] == 9_999


@pytest.mark.one_node("Citus has no unique index without the column that places a row")
def test_a_unique_index_of_a_dba_is_not_taken_for_a_repeated_id(client, db):
    db.execute("CREATE UNIQUE INDEX one_endpoint ON runtime_events (endpoint)")
    body = client.post(BATCH_URL, json=[minimal_event(id="a"), minimal_event(id="b")]).json
    assert (body["inserted"], body["duplicates"]) == (1, 0)
    assert "one_endpoint" in body["errors"][0]["detail"][0]["msg"]


def test_it_reports_the_constraint_that_refuses_an_event(client, db):
    db.execute("ALTER TABLE runtime_events ADD CONSTRAINT no_b CHECK (id <> 'b')")
    response = client.post(BATCH_URL, json=[full_event(id=it) for it in "abcb"])
    assert (response.json["inserted"], response.json["duplicates"]) == (2, 0)
    assert [(it["index"], it["id"]) for it in response.json["errors"]] == [(1, "b"), (3, "b")]
    assert "no_b" in response.json["errors"][0]["detail"][0]["msg"]
    assert ids(client) == {"a", "c"}
    single = client.post(URL, json=full_event(id="b"))
    assert single.status_code == 400
    assert single.json["detail"] == "Database integrity error: no_b"


def test_it_inserts_by_id_in_the_same_order_in_every_collation(db):
    plan = db.execute(
        b"EXPLAIN " + statements.load("runtime_events/create"), {"events": "[]"}
    ).fetchall()
    assert 'Sort Key: sent.id COLLATE "C"' in [row["QUERY PLAN"].strip() for row in plan]
