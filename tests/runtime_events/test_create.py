"""POST /api/runtime/events, the same on both backends."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.runtime_events import URL, full_event, minimal_event


def stored(events):
    return events.get(URL).json["items"]


def test_it_works(events):
    response = events.post(URL, json=minimal_event())
    assert response.status_code == 201
    event = response.json
    assert re.fullmatch("rt_[0-9a-f]{32}", event.pop("id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event.pop("recorded_at"))
    assert event == {
        "source": "api",
        "endpoint": "/api/ideas",
        "raw_endpoint": "/api/ideas",
        "method": "GET",
        "status_code": 200,
        "runtime_ms": 12.5,
        "runtime_cost_estimate": pytest.approx(12.5 / 1000 * 0.002),
        "idea_id": None,
        "origin_idea_id": None,
        "metadata": {},
    }
    assert stored(events) == [response.json]


def test_it_stores_every_field(events):
    response = events.post(URL, json=full_event())
    assert response.status_code == 201
    assert response.json | {"recorded_at": None} == {
        **full_event(),
        "endpoint": "/api/ideas",
        "method": "POST",
        "runtime_cost_estimate": 1500 / 1000 * 0.002,
        "origin_idea_id": "idea-ä",
        "recorded_at": None,
    }
    assert stored(events) == [response.json]


def test_an_empty_idea_or_raw_endpoint_is_left_out(events):
    sent = minimal_event(endpoint="api?x=1", idea_id="", raw_endpoint="")
    event = events.post(URL, json=sent).json
    assert (event["idea_id"], event["origin_idea_id"]) == (None, None)
    assert event["raw_endpoint"] == "api?x=1"
    assert stored(events) == [event]


@pytest.mark.parametrize(
    ("runtime_ms", "cost"), [(0.123, 0.00000025), (0.001, 0), (100 / 3, 0.00006667), (7e9, 14_000)]
)
def test_it_rounds_the_cost_to_8_decimals(events, runtime_ms, cost):
    event = events.post(URL, json=minimal_event(id="a", runtime_ms=runtime_ms))
    assert event.json["runtime_cost_estimate"] == cost
    assert events.post(URL, json=minimal_event(id="a")).json == event.json
    assert stored(events) == [event.json]


def test_it_stores_a_repeated_id_once(events):
    first = events.post(URL, json=full_event())
    again = events.post(URL, json=full_event(runtime_ms=7))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json
    assert stored(events) == [first.json]


def test_it_stores_an_id_once_from_many_requests_at_once(event_app):
    apps = [event_app() for _ in range(3)]

    def post(number):
        client = apps[number % 3].test_client()
        return client.post(URL, json=full_event(runtime_ms=number + 1))

    with ThreadPoolExecutor(12) as pool:
        responses = [*pool.map(post, range(24))]
    assert sorted(response.status_code for response in responses) == [200] * 23 + [201]
    kept = stored(apps[0].test_client())
    assert [response.json for response in responses] == kept * 24


def test_it_treats_null_as_absent(events):
    optional = ("id", "raw_endpoint", "method", "status_code", "idea_id", "metadata")
    response = events.post(URL, json=minimal_event(**dict.fromkeys(optional)))
    assert response.status_code == 201
    assert response.json["method"] == "GET"


def test_it_lists_unknown_fields(events):
    response = events.post(URL, json=minimal_event(colour="red", speed=1))
    assert response.json["ignored_fields"] == ["colour", "speed"]
    assert "colour" not in stored(events)[0]


def test_it_uses_the_configured_price(event_app):
    events = event_app(runtime_cost_per_second=4.0).test_client()
    assert events.post(URL, json=minimal_event(runtime_ms=250)).json["runtime_cost_estimate"] == 1


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("/a?x=1", "/a"),
        ("a/b", "/a/b"),
        ("?x=1", "/"),
        ("/a?x=1?y", "/a"),
        ("/a b\n%_\\", "/a b\n%_\\"),
        ("https://example.org/a", "/https://example.org/a"),
        ("/" + "ü" * 4095, "/" + "ü" * 4095),
    ],
)
def test_it_keeps_the_path_of_an_endpoint(events, sent, kept):
    response = events.post(URL, json=minimal_event(endpoint=sent))
    assert response.status_code == 201
    assert (response.json["endpoint"], response.json["raw_endpoint"]) == (kept, sent)


@pytest.mark.parametrize(
    "number",
    [
        1,
        0.1,
        1e-300,
        5e-324,
        1e15,
        1e16,
        4.5e15 + 0.5,
        1.5e300,
        2**53 + 1,
        2**63 - 1,
        1.7976931348623157e308,
    ],
)
def test_it_returns_numbers_unchanged(events, number):
    response = events.post(URL, json=minimal_event(runtime_ms=number, metadata={"n": number}))
    assert response.status_code == 201
    assert response.json["runtime_ms"] == number
    assert response.json["metadata"] == {"n": number}
    assert stored(events) == [response.json]


def test_it_keeps_doubles_that_look_like_integers(events):
    number = 4.290910170725085e16
    response = events.post(URL, json=minimal_event(runtime_ms=number))
    assert response.json["runtime_ms"] == number
    assert stored(events)[0]["runtime_ms"] == number


@pytest.mark.parametrize(
    ("fields", "loc", "kind"),
    [
        ({"source": "cron"}, "source", "enum"),
        ({"source": 1}, "source", "string_type"),
        ({"endpoint": " "}, "endpoint", "string_blank"),
        ({"endpoint": ""}, "endpoint", "string_too_short"),
        ({"endpoint": "/" * 4097}, "endpoint", "string_too_long"),
        ({"runtime_ms": 0}, "runtime_ms", "greater_than"),
        ({"runtime_ms": -1.5}, "runtime_ms", "greater_than"),
        ({"runtime_ms": "12"}, "runtime_ms", "number_type"),
        ({"runtime_ms": True}, "runtime_ms", "number_type"),
        ({"runtime_ms": 2**63}, "runtime_ms", "int_out_of_range"),
        ({"status_code": 99}, "status_code", "greater_than_equal"),
        ({"status_code": 600}, "status_code", "less_than_equal"),
        ({"status_code": 200.5}, "status_code", "int_type"),
        ({"method": "GET POST"}, "method", "identifier"),
        ({"id": ""}, "id", "string_too_short"),
        ({"id": "x" * 129}, "id", "string_too_long"),
        ({"metadata": []}, "metadata", "object_type"),
        ({"metadata": {"a": [1]}}, "metadata", "scalar_type"),
        ({"metadata": {"a": {}}}, "metadata", "scalar_type"),
        ({"metadata": {"a": "\0"}}, "metadata", "text_not_storable"),
        ({"idea_id": "\ud800"}, "idea_id", "text_not_storable"),
    ],
)
def test_it_rejects_a_bad_field(events, fields, loc, kind):
    response = events.post(URL, json=minimal_event(**fields))
    assert response.status_code == 422
    assert [(it["loc"], it["type"]) for it in response.json["detail"]] == [(["body", loc], kind)]
    assert stored(events) == []


def test_it_rejects_every_bad_field_at_once(events):
    response = events.post(URL, json={"endpoint": 1, "status_code": "x"})
    assert response.status_code == 422
    named = {it["loc"][-1]: it["type"] for it in response.json["detail"]}
    assert named == {
        "endpoint": "string_type",
        "status_code": "int_type",
        "source": "missing",
        "runtime_ms": "missing",
    }


def test_it_rejects_numbers_that_json_does_not_have(events):
    for text in ("NaN", "Infinity", "1e400"):
        body = f'{{"source": "api", "endpoint": "/", "runtime_ms": {text}}}'
        response = events.post(URL, data=body, content_type="application/json")
        assert response.status_code == 422
    assert stored(events) == []
