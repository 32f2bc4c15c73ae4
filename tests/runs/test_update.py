"""PATCH /api/v1/runs/{event_id}."""

import pytest

from tests.support.errors import assert_error, assert_problems
from tests.support.runs import full_run, minimal_run

URL = "/api/v1/runs"
CHANGES = {
    "status": "failed",
    "end_time": "2026-01-31T13:00:00Z",
    "duration_ms": 3_600_000,
    "error_summary": "it broke",
    "error_details": "Traceback (most recent call last):\n" + '  File "x.py", line 1\n' * 200,
    "output_summary": "half of it",
    "items_discovered": 4,
    "items_succeeded": 1,
    "items_failed": 2,
    "items_skipped": 1,
    "metrics_json": {"a": 1},
    "context_json": {},
    "git_commit_source": "llm",
    "git_commit_author": "Grace",
    "git_commit_timestamp": "2026-01-31T12:30:00Z",
}


def test_it_works(client, db):
    client.post(URL, json=minimal_run())
    before = client.get(f"{URL}/event-1").json
    response = client.patch(f"{URL}/event-1", json=CHANGES)
    assert response.status_code == 200
    assert response.json["event_id"] == "event-1"
    assert response.json["updated"] is True
    assert sorted(response.json["fields_updated"]) == sorted(CHANGES)
    after = client.get(f"{URL}/event-1").json
    stored = {**CHANGES, "status": "failure", "end_time": "2026-01-31T13:00:00.000000Z"}
    stored["git_commit_timestamp"] = "2026-01-31T12:30:00.000000Z"
    assert {name: after[name] for name in CHANGES} == stored
    assert after["updated_at"] > before["updated_at"]
    untouched = before.keys() - CHANGES.keys() - {"updated_at"}
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}


def test_it_changes_only_what_was_sent(client):
    client.post(URL, json=full_run())
    response = client.patch(f"{URL}/event-1", json={"items_failed": 0, "error_summary": None})
    assert response.json["fields_updated"] == ["items_failed"]
    run = client.get(f"{URL}/event-1").json
    assert (run["items_failed"], run["error_summary"]) == (0, "two failed")


def test_it_names_ignored_fields(client):
    client.post(URL, json=minimal_run())
    response = client.patch(f"{URL}/event-1", json={"status": "success", "agent_name": "x", "y": 1})
    assert response.json["ignored_fields"] == ["agent_name", "y"]
    assert client.get(f"{URL}/event-1").json["agent_name"] == "agent-a"


@pytest.mark.parametrize("body", [{}, {"status": None}, {"agent_name": "x"}])
def test_nothing_to_update_is_400(client, body):
    client.post(URL, json=minimal_run())
    response = client.patch(f"{URL}/event-1", json=body)
    assert "Nothing to update" in assert_error(response, 400)


def test_an_unknown_run_is_404(client):
    response = client.patch(f"{URL}/nothing", json={"status": "success"})
    assert_error(response, 404, "Run not found: nothing")


def test_it_rejects_every_bad_field_at_once(client):
    client.post(URL, json=minimal_run())
    response = client.patch(
        f"{URL}/event-1", json={"status": "x", "duration_ms": -1, "end_time": 1}
    )
    assert_problems(
        response,
        {"status": "enum", "duration_ms": "greater_than_equal", "end_time": "datetime_type"},
    )
    assert client.get(f"{URL}/event-1").json["status"] == "running"


def test_updated_at_moves_even_when_the_clock_was_set_back(client, db):
    client.post(URL, json=minimal_run())
    db.execute("UPDATE agent_runs SET updated_at = now() + interval '1 day'")
    before = client.get(f"{URL}/event-1").json["updated_at"]
    client.patch(f"{URL}/event-1", json={"status": "success"})
    assert client.get(f"{URL}/event-1").json["updated_at"] > before


def test_a_constraint_of_the_dba_is_400(client, db):
    client.post(URL, json=minimal_run())
    db.execute("ALTER TABLE agent_runs ADD CONSTRAINT no_failure CHECK (status <> 'failure')")
    response = client.patch(f"{URL}/event-1", json={"status": "failed"})
    assert_error(response, 400, "Database integrity error: no_failure")
