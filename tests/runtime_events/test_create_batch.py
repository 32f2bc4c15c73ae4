"""POST /api/runtime/events/batch, the same on both backends."""

import json

from telemetry.database import statements
from tests.support.runtime_events import BATCH_URL, URL, full_event, minimal_event


def ids(events):
    return {event["id"] for event in events.get(URL).json["items"]}


def test_it_works(events):
    batch = [full_event(id="a"), minimal_event(), full_event(id="b")]
    answer = events.post(BATCH_URL, json=batch)
    assert answer.status_code == 200
    assert answer.json == {"inserted": 3, "duplicates": 0, "errors": [], "total": 3}
    assert {"a", "b"} < ids(events)


def test_it_takes_every_shape(events):
    lines = "\n".join(json.dumps(full_event(id=it)) for it in "ab")
    first = events.post(BATCH_URL, data=lines, content_type="application/x-ndjson")
    second = events.post(BATCH_URL, json={"events": [full_event(id="c")]})
    assert (first.json["inserted"], second.json["inserted"]) == (2, 1)
    assert ids(events) == {"a", "b", "c"}


def test_it_counts_repeats(events):
    events.post(URL, json=full_event(id="a", runtime_ms=1))
    answer = events.post(BATCH_URL, json=[full_event(id=it) for it in "abab"])
    assert answer.json == {"inserted": 1, "duplicates": 3, "errors": [], "total": 4}
    again = events.post(BATCH_URL, json=[full_event(id=it) for it in "ab"])
    assert again.json == {"inserted": 0, "duplicates": 2, "errors": [], "total": 2}
    kept = {event["id"]: event["runtime_ms"] for event in events.get(URL).json["items"]}
    assert kept == {"a": 1, "b": 1500}


def test_it_reports_bad_events_and_takes_the_others(events):
    answer = events.post(
        BATCH_URL, json=[full_event(id="a", source="x"), 7, full_event(id="b", colour=1)]
    )
    assert answer.status_code == 200
    assert (answer.json["inserted"], answer.json["total"]) == (1, 3)
    assert answer.json["ignored_fields"] == ["colour"]
    assert [(it["index"], it["id"]) for it in answer.json["errors"]] == [(0, "a"), (1, None)]
    assert answer.json["errors"][0]["detail"][0]["loc"] == ["body", 0, "source"]
    assert ids(events) == {"b"}


def test_it_rejects_a_batch_without_a_good_event(events):
    answer = events.post(BATCH_URL, json=[{}, minimal_event(runtime_ms=0)])
    assert answer.status_code == 422
    assert (answer.json["inserted"], len(answer.json["errors"])) == (0, 2)


def test_it_takes_an_empty_batch(events):
    answer = events.post(BATCH_URL, json=[])
    assert answer.status_code == 200
    assert answer.json == {"inserted": 0, "duplicates": 0, "errors": [], "total": 0}


def test_it_takes_10_000_events_and_no_more(events):
    batch = [minimal_event(id=f"event-{number}") for number in range(10_001)]
    assert events.post(BATCH_URL, json=batch).status_code == 422
    assert ids(events) == set()
    assert events.post(BATCH_URL, json=batch[:10_000]).json["inserted"] == 10_000
    assert events.post(BATCH_URL, json=batch[1:]).json["duplicates"] == 9_999


def test_it_names_the_constraint_that_refuses_an_event(client, db):
    db.execute("ALTER TABLE runtime_events ADD CONSTRAINT no_b CHECK (id <> 'b')")
    answer = client.post(BATCH_URL, json=[full_event(id=it) for it in "abcb"])
    assert (answer.json["inserted"], answer.json["duplicates"]) == (2, 0)
    assert [(it["index"], it["id"]) for it in answer.json["errors"]] == [(1, "b"), (3, "b")]
    assert "no_b" in answer.json["errors"][0]["detail"][0]["msg"]
    assert ids(client) == {"a", "c"}
    single = client.post(URL, json=full_event(id="b"))
    assert single.status_code == 400
    assert single.json["detail"] == "Database integrity error: no_b"


def test_it_takes_the_ids_in_the_order_of_its_parts_whatever_the_databases_collation(db):
    plan = db.execute(
        b"EXPLAIN " + statements.load("runtime_events/create"), {"events": "[]"}
    ).fetchall()
    assert 'Sort Key: sent.id COLLATE "C"' in [row["QUERY PLAN"].strip() for row in plan]
