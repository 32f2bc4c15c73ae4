"""What reading a batch may cost the process, whatever the batch holds."""

import json
import tracemalloc

import pytest

from telemetry.payloads import batch, records
from tests.support.audio_runtime import event
from tests.support.errors import assert_batch_errors, assert_problems, problem_types
from tests.support.runs import minimal_run

RUNS = "/api/v1/runs/batch"
LEDGER = "/api/v1/audio-runtime/events/batch"
MILLION = 1_000_000
FIELDS_INVALID = "K_FAIL_EVENT_FIELDS_INVALID"


@pytest.mark.parametrize("url", [RUNS, LEDGER])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[" + b"1," * MILLION + b"1]", "application/json"),
        (b' {"runs": [' + b"{}," * MILLION + b'{}], "events": []}', "application/json"),
        (b"{}\n" * MILLION, "application/x-ndjson"),
    ],
)
def test_too_many_records_take_no_memory(client, url, body, content_type):
    if url == LEDGER:
        body = body.replace(b"events", b"others").replace(b"runs", b"events")
    tracemalloc.start()
    try:
        response = client.post(url, data=body, content_type=content_type)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    more = {"reason_code": FIELDS_INVALID} if url == LEDGER else {}
    assert_problems(response, {"body": "too_long"}, start=(), **more)
    assert peak < 4 * len(body) + 10_000_000


def test_a_large_batch_is_read_in_either_form(client):
    runs = [minimal_run(f"e{number}", output_summary="x" * 1000) for number in range(600)]
    assert len(json.dumps(runs)) > records.SMALL_BODY
    assert client.post(RUNS, json=runs[:400]).json["inserted"] == 400
    body = client.post(RUNS, json={"runs": runs, "sender": "agent"}).json
    assert (body["inserted"], body["duplicates"], body["errors"]) == (200, 400, [])


@pytest.mark.parametrize("record", [minimal_run("e1"), {"a": float("nan")}])
def test_the_extra_members_of_a_batch_are_bounded(client, record):
    extra = {f"sender{number}": number for number in range(1000)}
    assert client.post(RUNS, json={**extra, "runs": [record]}).json["total"] == 1
    response = client.post(RUNS, json={**extra, "runs": [record], "more": 1})
    assert_problems(response, {"body": "too_long"}, start=())


@pytest.mark.parametrize("url", [RUNS, LEDGER])
def test_the_problems_of_a_batch_are_bounded_and_each_bad_record_has_one(client, monkeypatch, url):
    monkeypatch.setattr(batch, "MAX_PROBLEMS_A_BATCH", 10)
    body = client.post(url, json=[{}] * 20).json
    key, name = ("reason_code", FIELDS_INVALID) if url == LEDGER else ("event_id", None)
    details = assert_batch_errors(body, key, dict.fromkeys(range(20), name))
    problems = [len(problem_types(details[index])) for index in range(20)]
    assert 10 < sum(problems) < 30
    assert problems[-1] == 1


@pytest.mark.parametrize(("url", "good"), [(RUNS, minimal_run("e1")), (LEDGER, event("VAD_EVENT"))])
def test_other_requests_have_their_turn_between_the_records_of_a_batch(
    client, monkeypatch, url, good
):
    turns = []
    monkeypatch.setattr(batch, "TURN_SECONDS", 0)
    monkeypatch.setattr(batch, "sleep", turns.append)
    client.post(url, json=[good, {}, good])
    assert turns == [0, 0, 0]
