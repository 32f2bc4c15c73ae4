"""POST /api/v1/runs."""

from tests.runs.payloads import full_run, minimal_run

URL = "/api/v1/runs"


def test_it_works(client, db):
    answer = client.post(URL, json=minimal_run())
    assert answer.status_code == 201
    assert answer.json == {"status": "created", "event_id": "event-1", "run_id": "run-1"}
    row = db.execute("SELECT * FROM agent_runs").fetchone()
    assert row["event_id"] == "event-1"
    assert row["status"] == "running"
    assert row["duration_ms"] == 0
    assert row["updated_at"] == row["created_at"]


def test_it_stores_every_field(client):
    client.post(URL, json=full_run())
    stored = client.get(f"{URL}/event-1").json
    assert {name: stored[name] for name in full_run()} == full_run()
