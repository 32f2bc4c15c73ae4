"""A whole number is an integer in every body, however JSON writes it: 3.0 is 3."""

import json

import pytest

from tests.support.audio_runtime import event
from tests.support.errors import assert_problems
from tests.support.runs import full_run, minimal_run
from tests.support.runtime_events import minimal_event

RUNS = "/api/v1/runs"
EVENTS = "/api/runtime/events"
LEDGER = "/api/v1/audio-runtime/events"
CURRENT = "/api/v1/audio-runtime/current/tenant-1/device-1"

RUN_INTEGERS = [name for name, value in full_run().items() if type(value) is int]
LEDGER_INTEGERS = {
    "STREAM_REFS": ["pre_roll_buffer_id"],
    "TIMING_STATS": ["underruns", "overruns"],
    "INTERRUPT_CANDIDATE": ["phrase_id", "reason_code"],
    "VAD_EVENT": [],
}

FORMS = ["array", "object", "lines"]


def post_batch(client, url, form, records, name):
    if form == "lines":
        body = "\n".join(json.dumps(record) for record in records)
        return client.post(url, data=body, content_type="application/x-ndjson")
    return client.post(url, json=records if form == "array" else {name: records})


@pytest.fixture
def bound(client):
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    client.put("/api/v1/sessions/71", json={"tenant_id": "tenant-1", "device_id": "device-1"})


def whole_run(event_id="event-1"):
    return minimal_run(event_id, api_posted=1, **dict.fromkeys(RUN_INTEGERS, 3.0))


def assert_run_is_whole(run):
    assert {name: repr(run[name]) for name in RUN_INTEGERS} == dict.fromkeys(RUN_INTEGERS, "3")
    assert run["api_posted"] is True


def whole_event(kind="STREAM_REFS", **fields):
    return event(
        kind,
        created_at=1e18,
        session_id=71.0,
        processed_stream_id=5.0,
        **dict.fromkeys(LEDGER_INTEGERS[kind], 3.0),
        **fields,
    )


def test_a_run_stores_them_as_integers(client):
    assert client.post(RUNS, json=whole_run()).status_code == 201
    assert_run_is_whole(client.get(f"{RUNS}/event-1").json)
    assert "differs" not in client.post(RUNS, json=whole_run()).json


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_of_runs_stores_them_as_integers(client, form):
    counted = post_batch(client, f"{RUNS}/batch", form, [whole_run()], "runs").json
    assert (counted["inserted"], counted["errors"]) == (1, [])
    assert_run_is_whole(client.get(f"{RUNS}/event-1").json)


def test_an_update_of_a_run_stores_them_as_integers(client):
    client.post(RUNS, json=minimal_run())
    changes = {name: 3.0 for name in RUN_INTEGERS if name != "api_retry_count"}
    assert client.patch(f"{RUNS}/event-1", json=changes).status_code == 200
    run = client.get(f"{RUNS}/event-1").json
    assert {repr(run[name]) for name in changes} == {"3"}


@pytest.mark.parametrize("flag", [0, 1, 0.0, 1.0, False, True])
def test_a_flag_of_a_run_is_a_boolean(client, flag):
    assert client.post(RUNS, json=minimal_run(api_posted=flag)).status_code == 201
    assert client.get(f"{RUNS}/event-1").json["api_posted"] is bool(flag)


def test_a_runtime_event_stores_them_as_integers(client):
    response = client.post(EVENTS, json=minimal_event(status_code=503.0))
    assert (response.status_code, repr(response.json["status_code"])) == (201, "503")


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_of_runtime_events_stores_them_as_integers(client, form):
    sent = [minimal_event(status_code=503.0)]
    counted = post_batch(client, f"{EVENTS}/batch", form, sent, "events").json
    assert (counted["inserted"], counted["errors"]) == (1, [])
    (stored,) = client.get(EVENTS).json["items"]
    assert repr(stored["status_code"]) == "503"


@pytest.mark.parametrize("kind", ["STREAM_REFS", "VAD_EVENT"])
def test_a_stream_id_is_the_text_of_its_integer(client, bound, kind):
    assert client.post(LEDGER, json=whole_event(kind)).status_code == 201
    current = client.get(CURRENT).json
    assert (current["processed_stream_id"], current["session_id"]) == ("5", 71)
    assert current["updated_at"] == 10**18


@pytest.mark.parametrize("kind", ["TIMING_STATS", "INTERRUPT_CANDIDATE"])
def test_a_ledger_event_stores_them_as_integers(client, bound, kind):
    sent = event(kind, **dict.fromkeys(LEDGER_INTEGERS[kind], 3.0))
    assert client.post(LEDGER, json=sent).status_code == 201
    (stored,) = client.get(LEDGER, query_string={"tenant_id": "tenant-1"}).json["items"]
    assert {repr(stored[name]) for name in LEDGER_INTEGERS[kind]} == {"3"}


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_of_ledger_events_stores_them_as_integers(client, bound, form):
    counted = post_batch(client, f"{LEDGER}/batch", form, [whole_event()], "events").json
    assert (counted["inserted"], counted["errors"]) == (1, [])
    assert client.get(CURRENT).json["pre_roll_buffer_id"] == 3


@pytest.mark.parametrize("flag", [0, 1])
def test_a_flag_of_the_ledger_must_be_a_boolean(client, bound, flag):
    response = client.post(LEDGER, json=event("TTS_PLAYBACK_ACTIVE", tts_playback_active=flag))
    expected = {"tts_playback_active": "bool_type"}
    assert_problems(response, expected, reason_code="K_FAIL_EVENT_FIELDS_INVALID")
