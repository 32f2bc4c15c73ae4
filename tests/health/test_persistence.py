"""GET /api/health/persistence."""

import pytest

from telemetry.timestamps import parse_utc

URL = "/api/health/persistence"


def test_it_works(client):
    answer = client.get(URL)
    assert answer.status_code == 200
    assert parse_utc(answer.json["checked_at"])
    domain = {
        "ok": True,
        "backend": "postgresql",
        "durable": True,
        "enabled": True,
        "events_file_override": False,
        "note": "DATABASE_URL is set",
    }
    assert {**answer.json, "checked_at": None} == {
        "required": True,
        "pass_contract": True,
        "checked_at": None,
        "domains": {"agent_runs": domain, "runtime_events": domain, "audio_runtime": domain},
        "failures": [],
    }


def test_it_tells_of_a_file_that_a_database_overrides(make_app, tmp_path):
    client = make_app(runtime_events_path=tmp_path / "events").test_client()
    body = client.get(URL).json
    assert body["pass_contract"]
    assert body["domains"]["runtime_events"]["backend"] == "postgresql"
    assert body["domains"]["runtime_events"]["events_file_override"]


@pytest.mark.parametrize(("required", "passed"), [("true", False), ("auto", True)])
def test_it_tells_of_a_file(make_app, tmp_path, required, passed):
    client = make_app(
        database_url=None,
        runtime_events_path=tmp_path / "events",
        persistence_contract_required=required,
    ).test_client()
    answer = client.get(URL)
    assert answer.status_code == 200
    assert answer.json["required"] == (required == "true")
    assert answer.json["pass_contract"] == passed
    assert ("runtime_events_not_postgresql" in answer.json["failures"]) == (not passed)
    events = answer.json["domains"]["runtime_events"]
    assert events == {
        "ok": passed,
        "backend": "json_file",
        "durable": False,
        "enabled": True,
        "events_file_override": True,
        "note": "only RUNTIME_EVENTS_PATH is set, no database URL",
        "unreadable_lines": 0,
    }
    runs = answer.json["domains"]["agent_runs"]
    assert (runs["ok"], runs["enabled"], runs["backend"]) == (False, False, "none")


def test_it_tells_of_a_torn_line(make_app, tmp_path):
    file = tmp_path / "events"
    file.write_text('{"id": "to')
    client = make_app(database_url=None, runtime_events_path=file).test_client()
    assert client.get(URL).json["domains"]["runtime_events"]["unreadable_lines"] == 1


def test_it_tells_of_nothing(make_app):
    answer = make_app(database_url=None).test_client().get(URL)
    assert answer.status_code == 200
    assert not answer.json["pass_contract"]
    assert {it["backend"] for it in answer.json["domains"].values()} == {"none"}
    assert "runtime_events_not_postgresql" in answer.json["failures"]
