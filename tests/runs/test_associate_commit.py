"""POST /api/v1/runs/{event_id}/associate-commit."""

import pytest

from tests.support.errors import assert_error, assert_problems
from tests.support.runs import full_run, minimal_run

URL = "/api/v1/runs/event-1/associate-commit"
COMMIT = {
    "commit_hash": "abcdef0",
    "commit_source": "llm",
    "commit_author": "Grace",
    "commit_timestamp": "2026-01-31T12:30:00+01:00",
}


def test_it_works(client):
    client.post("/api/v1/runs", json=minimal_run())
    response = client.post(URL, json=COMMIT)
    assert response.status_code == 200
    assert response.json == {
        "status": "success",
        "event_id": "event-1",
        "run_id": "run-1",
        "commit_hash": "abcdef0",
    }
    run = client.get("/api/v1/runs/event-1").json
    assert run["git_commit_hash"] == "abcdef0"
    assert run["git_commit_source"] == "llm"
    assert run["git_commit_author"] == "Grace"
    assert run["git_commit_timestamp"] == "2026-01-31T11:30:00.000000Z"
    assert run["updated_at"] > run["created_at"]


def test_fields_that_were_not_sent_stay_unchanged(client):
    client.post("/api/v1/runs", json=full_run())
    client.post(URL, json={"commit_hash": "f" * 64, "commit_source": "manual"})
    run = client.get("/api/v1/runs/event-1").json
    assert run["git_commit_hash"] == "f" * 64
    assert run["git_commit_author"] == full_run()["git_commit_author"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"commit_hash": "abcdef"}, {"commit_hash": "string_too_short"}),
        ({"commit_hash": "a" * 65}, {"commit_hash": "string_too_long"}),
        ({"commit_hash": None}, {"commit_hash": "null"}),
        ({"commit_source": "human"}, {"commit_source": "enum"}),
        (
            {"commit_source": None, "commit_timestamp": "2026-01-31T12:30:00"},
            {"commit_source": "null", "commit_timestamp": "timezone_aware"},
        ),
    ],
)
def test_it_rejects(client, change, expected):
    client.post("/api/v1/runs", json=minimal_run())
    assert_problems(client.post(URL, json={**COMMIT, **change}), expected)
    assert client.get("/api/v1/runs/event-1").json["git_commit_hash"] is None


def test_an_unknown_run_is_404(client):
    assert_error(client.post(URL, json=COMMIT), 404, "Run not found: event-1")
