"""GET /api/runtime/endpoints/summary, the same on both backends."""

import json
from datetime import UTC, datetime

import pytest

from telemetry.timestamps import utc_text
from tests.support.runtime_events import (
    BATCH_URL,
    IDEAS_URL,
    SUMMARY_URL,
    URL,
    full_event,
    minimal_event,
)


def post(events, *batch):
    response = events.post(BATCH_URL, json=[minimal_event(**fields) for fields in batch])
    assert response.json["inserted"] == len(batch)


def summary(events, **query):
    response = events.get(SUMMARY_URL, query_string=query)
    assert response.status_code == 200
    return response.json


def test_it_works(events):
    post(
        events,
        {"runtime_ms": 10, "status_code": 200},
        {"runtime_ms": 20.0, "status_code": 404, "method": "post"},
        {"runtime_ms": 30, "status_code": 500, "source": "worker"},
        {"runtime_ms": 40, "status_code": 503, "source": "web_api"},
    )
    assert summary(events) == {
        "window_seconds": 3600,
        "source": None,
        "endpoints": [
            {
                "endpoint": "/api/ideas",
                "methods": ["GET", "POST"],
                "event_count": 4,
                "error_count": 2,
                "total_runtime_ms": 100,
                "average_runtime_ms": 25,
                "p50_ms": 25,
                "p95_ms": pytest.approx(38.5),
                "p99_ms": pytest.approx(39.7),
                "runtime_cost_estimate": pytest.approx(0.1 * 0.002),
                "by_source": {"api": 2, "web_api": 1, "worker": 1},
                "status_counts": {"200": 1, "404": 1, "500": 1, "503": 1},
            }
        ],
    }


def test_it_is_empty_at_first(events):
    assert summary(events, seconds=60) == {"window_seconds": 60, "source": None, "endpoints": []}


def test_it_sorts_by_number_of_events_and_then_by_name(events):
    names = ["/b", "/a", "/Z", "/c", "/c", "/ä"]
    post(events, *({"endpoint": name} for name in names))
    found = [it["endpoint"] for it in summary(events)["endpoints"]]
    assert found == ["/c", "/Z", "/a", "/b", "/ä"]
    assert [it["endpoint"] for it in summary(events, limit=2)["endpoints"]] == ["/c", "/Z"]


def test_it_filters_by_source(events):
    post(events, {"source": "web"}, {"source": "worker"}, {"source": "web", "endpoint": "/x"})
    found = summary(events, source="web")
    assert found["source"] == "web"
    assert {it["endpoint"]: it["by_source"] for it in found["endpoints"]} == {
        "/api/ideas": {"web": 1},
        "/x": {"web": 1},
    }


def test_it_sums_times_that_exceed_a_double(events):
    huge = 1.7976931348623157e308
    post(events, {"runtime_ms": huge}, {"runtime_ms": huge}, {"runtime_ms": 1})
    endpoint = summary(events)["endpoints"][0]
    assert endpoint["total_runtime_ms"] == huge
    assert endpoint["average_runtime_ms"] == pytest.approx(huge / 3 * 2)
    assert endpoint["p50_ms"] == huge


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seconds", "59"),
        ("seconds", "2592001"),
        ("seconds", "1.5"),
        ("limit", "0"),
        ("limit", "2001"),
        ("source", "x"),
        ("endpoint", "/"),
    ],
)
def test_it_rejects_a_bad_parameter(events, name, value):
    response = events.get(SUMMARY_URL, query_string={name: value})
    assert response.status_code == 422
    assert [it["loc"] for it in response.json["detail"]] == [["query", name]]


def test_it_leaves_out_what_is_older_than_the_window(client, db):
    post(client, {"id": "old"}, {"id": "new"})
    db.execute("UPDATE runtime_events SET recorded_at = now() - interval '61 s' WHERE id = 'old'")
    assert summary(client, seconds=60)["endpoints"][0]["event_count"] == 1
    assert summary(client, seconds=120)["endpoints"][0]["event_count"] == 2


@pytest.mark.parametrize("url", [SUMMARY_URL, IDEAS_URL])
def test_it_leaves_out_what_is_dated_in_the_future(client, file_client, events_file, db, url):
    for backend in (client, file_client):
        post(backend, {"id": "now"}, {"id": "future"})
    db.execute("UPDATE runtime_events SET recorded_at = now() + '1 day' WHERE id = 'future'")
    (now, future) = events_file.read_text().splitlines()
    year = future.index('"recorded_at":"') + len('"recorded_at":"')
    events_file.write_text(f"{now}\n{future[:year]}2999{future[year + 4 :]}\n")
    for backend in (client, file_client):
        (row,) = backend.get(url).json.get("endpoints") or backend.get(url).json["ideas"]
        assert row["event_count"] == 1


def test_a_cost_that_was_stored_with_more_decimals_is_rounded(client, file_client, events_file, db):
    post(client, {"id": "a"})
    db.execute("UPDATE runtime_events SET runtime_cost_estimate = 0.123456784")
    event = full_event(runtime_cost_estimate=0.123456784, recorded_at=utc_text(datetime.now(UTC)))
    events_file.write_text(json.dumps(event))
    for backend in (client, file_client):
        (listed,) = backend.get(URL).json["items"]
        assert listed["runtime_cost_estimate"] == 0.12345678
        again = backend.post(URL, json=minimal_event(id=listed["id"])).json
        assert again["runtime_cost_estimate"] == 0.12345678
        assert backend.get(IDEAS_URL).json["ideas"][0]["runtime_cost_estimate"] == 0.12345678
        assert summary(backend)["endpoints"][0]["runtime_cost_estimate"] == 0.12345678


def test_the_file_adds_up_exactly(file_client):
    """A plain sum of ten times 0.1 is 0.9999999999999999."""
    post(file_client, *[{"runtime_ms": 0.1}] * 10)
    assert summary(file_client)["endpoints"][0]["total_runtime_ms"] == 1
