"""null of a field that any event kind has is the same as leaving the field out.

Rust's serde writes null for each field that is None.
"""

import pytest

from tests.support.audio_runtime import KIND_FIELDS, KINDS, event
from tests.support.errors import assert_problems

URL = "/api/v1/audio-runtime/events"
FIELDS = [name for own in KIND_FIELDS.values() for name in own]


def with_nulls(kind, **fields):
    """Return an event with every field of every kind; those that it does not have are null."""
    return {**dict.fromkeys(["session_id", *FIELDS]), **event(kind, **fields)}


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_with_every_null_is_the_event_without(client, cast, kind):
    sent = event(kind)
    nulls = dict.fromkeys({"session_id", *FIELDS} - sent.keys())
    assert client.post(URL, json={**sent, **nulls}).status_code == 201
    [row] = cast.events()
    assert {name: row[name] for name in sent} == sent
    for again in (sent, {**sent, **nulls}):
        response = client.post(URL, json=again)
        assert (response.status_code, response.json["status"]) == (200, "duplicate")
        assert "differs" not in response.json
    cast.assert_sound()


def test_so_it_is_in_a_batch(client, cast):
    batch = [with_nulls(kind) for kind in KINDS]
    response = client.post(f"{URL}/batch", json=batch)
    assert (response.json["inserted"], response.json["errors"]) == (len(KINDS), [])
    cast.assert_sound()


def test_so_it_is_in_what_only_the_schema_can_read(client, cast):
    """An integer beyond 64 bits is left to marshmallow."""
    sent = with_nulls("STREAM_REFS", processed_stream_id=2**100, raw_stream_id=None)
    assert client.post(URL, json=sent).status_code == 201
    [row] = cast.events()
    assert (row["processed_stream_id"], row["raw_stream_id"]) == (str(2**100), None)


def test_a_required_field_that_is_null_is_missing(client, cast):
    sent = with_nulls("TIMING_STATS", jitter_ms=None, created_at=None)
    expected = {"jitter_ms": "missing", "created_at": "missing"}
    assert_problems(
        client.post(URL, json=sent), expected, reason_code="K_FAIL_EVENT_FIELDS_INVALID"
    )
    [error] = client.post(f"{URL}/batch", json=[sent]).json["errors"]
    assert {problem["loc"][-1]: problem["type"] for problem in error["detail"]} == expected


def test_an_unknown_name_is_refused_even_when_it_is_null(client, cast):
    sent = with_nulls("VAD_EVENT", unheard_of=None)
    assert_problems(
        client.post(URL, json=sent),
        {"unheard_of": "unknown"},
        reason_code="K_FAIL_EVENT_FIELDS_INVALID",
    )
    assert cast.events() == []


def test_a_rebuild_takes_a_null_device_as_none(client, cast):
    client.post(URL, json=event())
    body = {"tenant_id": "tenant-1", "device_id": None}
    response = client.post("/api/v1/audio-runtime/rebuild", json=body)
    assert (response.status_code, response.json["devices"]) == (200, 2)
