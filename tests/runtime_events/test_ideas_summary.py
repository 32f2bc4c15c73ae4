"""GET /api/runtime/ideas/summary, the same on both backends."""

import pytest

from tests.support.runtime_events import BATCH_URL, IDEAS_URL, minimal_event


def post(events, *batch):
    response = events.post(BATCH_URL, json=[minimal_event(**fields) for fields in batch])
    assert response.json["inserted"] == len(batch)


def summary(events, **query):
    response = events.get(IDEAS_URL, query_string=query)
    assert response.status_code == 200
    return response.json


def names(events, **query):
    return [it["idea_id"] for it in summary(events, **query)["ideas"]]


def test_it_works(events):
    post(
        events,
        {"idea_id": "idea-ä", "runtime_ms": 1000},
        {"idea_id": "idea-ä", "runtime_ms": 2000, "source": "worker", "endpoint": "/x"},
        {"runtime_ms": 500},
        {"idea_id": "", "runtime_ms": 1500, "source": "web"},
    )
    assert summary(events) == {
        "window_seconds": 3600,
        "ideas": [
            {
                "idea_id": "idea-ä",
                "event_count": 2,
                "total_runtime_ms": 3000,
                "average_runtime_ms": 1500,
                "runtime_cost_estimate": 0.006,
                "by_source": {"api": 1, "worker": 1},
            },
            {
                "idea_id": "unmapped",
                "event_count": 2,
                "total_runtime_ms": 2000,
                "average_runtime_ms": 1000,
                "runtime_cost_estimate": 0.004,
                "by_source": {"api": 1, "web": 1},
            },
        ],
    }


def test_it_is_empty_at_first(events):
    assert summary(events, seconds=60) == {"window_seconds": 60, "ideas": []}


def test_it_sorts_by_cost_and_then_by_name(events):
    ideas = {"b": 1, "a": 1, "Z": 1, "c": 2, "ä": 1}
    post(events, *({"idea_id": name, "runtime_ms": ms} for name, ms in ideas.items()))
    assert names(events) == ["c", "Z", "a", "b", "ä"]
    assert names(events, limit=2) == ["c", "Z"]
    assert names(events, limit=2, offset=1) == ["Z", "a"]
    assert names(events, offset=5) == []
    assert names(events, offset=10_000, limit=2000) == []


def test_an_idea_that_is_named_unmapped_is_the_one_without_a_name(events):
    post(events, {"idea_id": "unmapped"}, {})
    assert [it["event_count"] for it in summary(events)["ideas"]] == [2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seconds", "59"),
        ("seconds", "2592001"),
        ("seconds", "1.5"),
        ("limit", "0"),
        ("limit", "2001"),
        ("offset", "-1"),
        ("offset", "10001"),
        ("source", "api"),
        ("idea_id", "a"),
    ],
)
def test_it_rejects_a_bad_parameter(events, name, value):
    response = events.get(IDEAS_URL, query_string={name: value})
    assert response.status_code == 422
    assert [it["loc"] for it in response.json["detail"]] == [["query", name]]


def test_it_leaves_out_what_is_older_than_the_window(client, db):
    post(client, {"id": "old"}, {"id": "new"})
    db.execute("UPDATE runtime_events SET recorded_at = now() - interval '61 s' WHERE id = 'old'")
    assert summary(client, seconds=60)["ideas"][0]["event_count"] == 1
    assert summary(client, seconds=120)["ideas"][0]["event_count"] == 2
