"""POST /api/v1/audio-runtime/events/batch."""

import json

import pytest

from tests.support.audio_runtime import KINDS, event

URL = "/api/v1/audio-runtime/events/batch"


def test_it_works(client, cast):
    events = [event(kind) for kind in KINDS]
    answer = client.post(URL, json=events)
    assert answer.status_code == 200
    ids = [row["event_id"] for row in cast.events()]
    assert answer.json == {
        "inserted": len(KINDS),
        "duplicates": 0,
        "errors": [],
        "results": [
            {"index": index, "status": "committed", "event_id": event_id}
            for index, event_id in enumerate(ids)
        ],
        "total": len(KINDS),
    }
    assert [row["idempotency_key"] for row in cast.events()] == [
        sent["idempotency_key"] for sent in events
    ]
    cast.assert_sound()


@pytest.mark.parametrize("form", ["array", "object", "lines"])
def test_it_accepts_three_forms(client, cast, form):
    events = [event(), event("TIMING_STATS")]
    if form == "lines":
        lines = "\n".join(map(json.dumps, events)) + "\n"
        answer = client.post(URL, data=lines, content_type="application/x-ndjson")
    else:
        answer = client.post(URL, json=events if form == "array" else {"events": events})
    assert answer.json["inserted"] == 2
    assert len(cast.events()) == 2


def test_a_bad_record_blocks_no_other(client, cast):
    known = event()
    client.post(URL, json=[known])
    fresh = event()
    events = [
        known,
        fresh,
        event(device_id="nobody"),
        {"event_kind": "VAD_EVENT"},
        {**fresh, "processed_stream_id": "other"},
        event(tenant_id="tenant-2"),
        event(tenant_id="tenant-2", device_id="device-3", session_id=72),
        event(session_id=99),
        "nonsense",
        event(),
    ]
    answer = client.post(URL, json=events).json
    assert [(error["index"], error["reason_code"]) for error in answer["errors"]] == [
        (2, "K_FAIL_DEVICE_UNBOUND"),
        (3, "K_FAIL_EVENT_FIELDS_INVALID"),
        (5, "K_FAIL_TENANT_SCOPE_MISMATCH"),
        (7, "K_FAIL_SESSION_INVALID"),
        (8, "K_FAIL_EVENT_FIELDS_INVALID"),
    ]
    assert answer["errors"][1]["detail"][0]["loc"][:2] == ["body", 3]
    ids = {row["idempotency_key"]: row["event_id"] for row in cast.events()}
    stored = {n: ids[events[n]["idempotency_key"]] for n in (0, 1, 4, 6, 9)}
    assert answer["results"] == [
        {"index": 0, "status": "duplicate", "event_id": stored[0]},
        {"index": 1, "status": "committed", "event_id": stored[1]},
        {
            "index": 4,
            "status": "duplicate",
            "event_id": stored[1],
            "differs": ["processed_stream_id"],
        },
        {"index": 6, "status": "committed", "event_id": stored[6]},
        {"index": 9, "status": "committed", "event_id": stored[9]},
    ]
    assert len(ids) == 4
    assert (answer["inserted"], answer["duplicates"], answer["total"]) == (3, 2, 10)
    cast.assert_sound()


def test_a_refused_event_does_not_make_the_next_of_its_key_a_duplicate(client, cast):
    refused = event(session_id=99)
    answer = client.post(URL, json=[refused, {**refused, "session_id": 71}]).json
    assert (answer["inserted"], answer["duplicates"], len(answer["errors"])) == (1, 0, 1)
    assert cast.events()[0]["session_id"] == 71


def test_ids_of_a_device_follow_the_order_of_the_batch(client, cast):
    devices = ["device-2", "device-1"]
    events = [event(device_id=devices[n % 2]) for n in range(40)]
    results = client.post(URL, json=events).json["results"]
    for parity in (0, 1):
        ids = [result["event_id"] for result in results if result["index"] % 2 == parity]
        assert ids == sorted(ids)
    cast.assert_sound()


def test_it_responds_422_when_no_record_is_valid(client, cast):
    answer = client.post(URL, json=[event(device_id="nobody"), 5])
    assert answer.status_code == 422
    assert (answer.json["inserted"], answer.json["total"]) == (0, 2)


def test_it_accepts_an_empty_batch(client, cast):
    answer = client.post(URL, json=[])
    assert answer.status_code == 200
    assert answer.json["total"] == 0


def test_it_accepts_1000_events_and_no_more(client, cast):
    events = [event() for _ in range(1001)]
    assert client.post(URL, json=events).status_code == 422
    assert cast.events() == []
    assert client.post(URL, json=events[:1000]).json["inserted"] == 1000
    cast.assert_sound()


@pytest.mark.parametrize("body", ["nonsense", "5", "{}", '{"events": 1}'])
def test_it_rejects_a_body_that_is_not_a_batch(client, cast, body):
    answer = client.post(URL, data=body, content_type="application/json")
    assert answer.status_code == 422
    assert isinstance(answer.json["detail"], list)
