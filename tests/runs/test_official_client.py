"""The official client of the older run service works without a change."""

import json

import pytest

from tests.support.official_client import (
    COMMIT,
    END,
    UNKNOWN,
    batches,
    client_record,
    offline_spool,
)

URL = "/api/v1/runs"

# What END leaves in a run that is read.
ENDED = {**END, "status": "success", "end_time": "2026-01-31T12:02:10.500000Z"}


def test_a_run_is_created_updated_given_a_commit_and_ended(client):
    record = client_record()
    path = f"{URL}/{record['event_id']}"
    created = client.post(URL, json=record)
    assert (created.status_code, created.json["status"]) == (201, "created")
    assert created.json["ignored_fields"] == UNKNOWN

    progress = client.patch(path, json={"items_discovered": 12, "api_posted": 0})
    assert progress.json["fields_updated"] == ["items_discovered"]
    assert client.post(f"{path}/associate-commit", json=COMMIT).json["status"] == "success"
    assert {*client.patch(path, json=END).json["fields_updated"]} == {*END}

    run = client.get(path).json
    assert run["status"] == "success"
    assert run["api_posted"] is False
    assert run["start_time"] == "2026-01-31T12:00:00.123456Z"
    assert run["end_time"] == "2026-01-31T12:02:10.500000Z"
    assert (run["duration_ms"], run["items_discovered"], run["items_failed"]) == (130377, 12, 1)
    assert run["metrics_json"] == END["metrics_json"]
    commit = f"https://github.com/owner/name/commit/{COMMIT['commit_hash']}"
    assert (run["git_commit_hash"], run["commit_url"]) == (COMMIT["commit_hash"], commit)
    (listed,) = client.get(URL).json
    assert listed == run


@pytest.mark.parametrize(
    ("sent", "stored"), [("running", "running"), ("completed", "success"), ("failed", "failure")]
)
def test_each_of_its_statuses_is_recorded(client, sent, stored):
    record = client_record(status=sent)
    assert client.post(URL, json=record).status_code == 201
    assert client.get(f"{URL}/{record['event_id']}").json["status"] == stored


@pytest.mark.parametrize("form", ["array", "object", "lines"])
def test_its_buffer_is_recorded_as_a_batch_and_may_be_sent_again(client, form):
    statuses = ["running", "completed", "failed"]
    records = [client_record(f"event-{status}", status=status) for status in statuses]
    counts = [post_batch(client, form, records) for _ in range(2)]
    assert counts == [(3, 0, []), (0, 3, [])]
    assert {run["api_posted"] for run in client.get(URL).json} == {False}


def assert_ended(client, runs):
    for number in range(runs):
        run = client.get(f"{URL}/offline-{number}").json
        assert {name: run[name] for name in ENDED} == ENDED


@pytest.mark.parametrize("form", ["array", "object", "lines"])
@pytest.mark.parametrize("order", [1, -1])
def test_its_offline_spool_ends_every_run(client, form, order):
    spool = offline_spool(20)[::order]
    for expected in [(20, 0, 20), (0, 0, 40)]:
        assert counts(batch(client, form, spool)) == expected
        assert_ended(client, 20)


@pytest.mark.parametrize("size", [1, 3, 20])
def test_its_spool_can_be_split_and_any_part_sent_again(client, size):
    spool = offline_spool(20)
    parts = [spool[first : first + size] for first in range(0, len(spool), size)]
    counted = {"inserted": 0, "completed": 0, "duplicates": 0}
    for part in [*parts, *parts[::2]]:
        body = batch(client, "array", part)
        counted = {name: counted[name] + body[name] for name in counted}
    assert counted["inserted"] == 20
    assert sum(counted.values()) == len(spool) + sum(map(len, parts[::2]))
    assert_ended(client, 20)


@pytest.mark.parametrize(
    ("is_stored", "second"), [(True, (0, 0, 100)), (False, (60, 20, 20))], ids=["lost", "failed"]
)
def test_it_sends_its_whole_spool_again_after_a_batch_failed_or_its_response_was_lost(
    client, is_stored, second
):
    parts = batches(offline_spool(120, at_once=60))
    assert counts(batch(client, "array", parts[0])) == (60, 0, 40)
    if is_stored:
        assert counts(batch(client, "array", parts[1])) == (60, 20, 20)
    again = [counts(batch(client, "array", part)) for part in parts]
    assert again == [(0, 0, 100), second, (0, 40, 0)]
    assert [counts(batch(client, "array", part)) for part in parts] == [
        (0, 0, 100),
        (0, 0, 100),
        (0, 0, 40),
    ]
    assert_ended(client, 120)


def test_its_spool_can_be_posted_record_by_record(client):
    outcomes = [client.post(URL, json=record).json["status"] for record in offline_spool(3)]
    assert outcomes == ["created", "completed"] * 3
    assert_ended(client, 3)


def counts(body):
    """Return inserted, completed and duplicates, of a batch without errors."""
    assert body["errors"] == []
    assert "duplicate_differs" not in body
    return body["inserted"], body["completed"], body["duplicates"]


def post_batch(client, form, records):
    """Post a batch in one of its forms; return inserted, duplicates and errors."""
    counted = batch(client, form, records)
    return counted["inserted"], counted["duplicates"], counted["errors"]


def batch(client, form, records):
    """Post a batch in one of its forms; return the body of the response."""
    if form == "lines":
        body = "\n".join(json.dumps(record) for record in records)
        sent = {"data": body, "content_type": "application/x-ndjson"}
    else:
        sent = {"json": records if form == "array" else {"runs": records}}
    return client.post(f"{URL}/batch", **sent).json
