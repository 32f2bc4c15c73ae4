"""GET /api/runtime/events, the same on both backends."""

from datetime import UTC, datetime, timedelta

import pytest

from telemetry import paging
from tests.support.runtime_events import (
    BATCH_URL,
    IDEAS_URL,
    SUMMARY_URL,
    TOKEN_URL,
    URL,
    full_event,
    minimal_event,
)


def post(events, *ids, **fields):
    for event_id in ids:
        assert events.post(URL, json=minimal_event(id=event_id, **fields)).status_code == 201


def listed(events, **query):
    response = events.get(URL, query_string=query)
    assert response.status_code == 200
    return [event["id"] for event in response.json["items"]]


def test_it_works(events):
    post(events, "a", "b", "c")
    response = events.get(URL)
    assert response.status_code == 200
    assert {**response.json, "items": len(response.json["items"])} == {
        "items": 3,
        "limit": 100,
        "offset": 0,
        "has_more": False,
    }
    assert listed(events) == ["c", "b", "a"]


def test_it_is_empty_at_first(events):
    assert events.get(URL).json == {"items": [], "limit": 100, "offset": 0, "has_more": False}


def test_it_returns_pages(events):
    post(events, *"abcde")
    pages = [events.get(URL, query_string={"limit": 2, "offset": it}).json for it in (0, 2, 4, 6)]
    assert [[it["id"] for it in page["items"]] for page in pages] == [
        ["e", "d"],
        ["c", "b"],
        ["a"],
        [],
    ]
    assert [page["has_more"] for page in pages] == [True, True, False, False]
    assert not events.get(URL, query_string={"limit": 5}).json["has_more"]


def test_it_orders_the_events_of_one_moment_by_id(events):
    post(events, "x")
    events.post(BATCH_URL, json=[full_event(id=it) for it in "bdac"])
    assert listed(events) == ["d", "c", "b", "a", "x"]
    assert listed(events, limit=2, offset=1) == ["c", "b"]


def test_it_filters_by_source(events):
    post(events, "a", "b", source="worker")
    post(events, "c")
    assert listed(events, source="worker") == ["b", "a"]
    assert listed(events, source="web") == []


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("/api", ["deep", "shallow"]),
        ("/api/", ["deep"]),
        ("/API", []),
        ("/a%b", ["percent"]),
        ("/a_b", ["underscore"]),
        ("/a\\", ["backslash"]),
        ("%", []),
        ("_", []),
        ("/Ü", ["umlaut"]),
        ("/" + "l" * 600, ["long"]),
        ("/" + "l" * 601, []),
    ],
)
def test_it_filters_by_a_prefix_of_the_endpoint(events, prefix, found):
    post(events, "shallow", endpoint="/api")
    post(events, "deep", endpoint="/api/ideas")
    post(events, "percent", endpoint="/a%b")
    post(events, "underscore", endpoint="/a_b")
    post(events, "backslash", endpoint="/a\\b")
    post(events, "umlaut", endpoint="/Übersicht")
    post(events, "long", endpoint="/" + "l" * 600)
    assert listed(events, endpoint_prefix=prefix) == found


def test_it_includes_events_at_the_time_since(events):
    post(events, *"abc")
    moments = [event["recorded_at"] for event in events.get(URL).json["items"]]
    assert listed(events, since=moments[1]) == ["c", "b"]
    assert listed(events, since=moments[1].replace("Z", "+00:00")) == ["c", "b"]
    assert listed(events, since="0001-01-01T00:00:00Z") == ["c", "b", "a"]
    assert listed(events, since="9999-12-31T23:59:59Z") == []


@pytest.mark.parametrize(
    ("since", "found"),
    [
        ("{date}", ["a"]),
        ("{date}T00:00:00", ["a"]),
        ("{date} 00:00", ["a"]),
        ("{date}T05:30:00 05:30", ["a"]),
        ("{date}T05:30:00 0530", ["a"]),
        ("{date}T05:00:00.0 05", ["a"]),
        ("{next_date}", []),
        ("{next_date}T05:00 05", []),
    ],
)
def test_it_accepts_times_in_many_forms(events, since, found):
    now = datetime.now(UTC)
    post(events, "a")
    dates = {"date": f"{now:%Y-%m-%d}", "next_date": f"{now + timedelta(days=2):%Y-%m-%d}"}
    assert listed(events, since=since.format(**dates)) == found


@pytest.mark.parametrize("value", ["true", "false", "1", "0", "True"])
@pytest.mark.parametrize("url", [URL, SUMMARY_URL, IDEAS_URL, TOKEN_URL])
def test_every_read_accepts_force_refresh(events, url, value):
    post(events, "a")
    assert events.get(url, query_string={"force_refresh": value}).json == events.get(url).json


@pytest.mark.parametrize("url", [SUMMARY_URL, IDEAS_URL, TOKEN_URL])
def test_every_read_rejects_an_unknown_parameter(events, url):
    response = events.get(url, query_string={"refresh": "true"})
    assert response.status_code == 422
    assert [it["loc"] for it in response.json["detail"]] == [["query", "refresh"]]


def test_it_combines_filters(events):
    post(events, "a", source="web", endpoint="/one")
    post(events, "b", source="web", endpoint="/two")
    post(events, "c", source="api", endpoint="/one")
    assert listed(events, source="web", endpoint_prefix="/one", limit=1) == ["a"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "2001"),
        ("limit", "many"),
        ("offset", "-1"),
        ("offset", "99999999999999999999"),
        ("source", "cron"),
        ("since", "yesterday"),
        ("since", "2026-02-30"),
        ("since", "2026-01-31T12:00:00 5"),
        ("force_refresh", "perhaps"),
        ("endpoint_prefix", "/\0"),
        ("endpoint", "/"),
    ],
)
def test_it_rejects_a_bad_parameter(events, name, value):
    response = events.get(URL, query_string={name: value})
    assert response.status_code == 422
    assert [it["loc"] for it in response.json["detail"]] == [["query", name]]


def test_it_accepts_the_largest_offset(events):
    post(events, "a")
    assert listed(events, offset=2**63 - 1, limit=2000) == []


def test_a_page_of_large_events_ends_early(events, monkeypatch):
    monkeypatch.setattr(paging, "MAX_PAGE_BYTES", 2000)
    batch = [minimal_event(id=it, metadata={"m": "m" * 500}) for it in "abcde"]
    assert events.post(BATCH_URL, json=batch).json["inserted"] == 5
    url, found = f"{URL}?limit=10&source=api", []
    while url:
        response = events.get(url)
        found.append([event["id"] for event in response.json["items"]])
        assert response.json["has_more"] == ("Link" in response.headers)
        url = response.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert found == [["e", "d"], ["c", "b"], ["a"]]
