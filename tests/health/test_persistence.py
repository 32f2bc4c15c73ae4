"""GET /api/health/persistence."""

import pytest

from telemetry.timestamps import parse_utc

URL = "/api/health/persistence"


def test_it_works(client):
    response = client.get(URL)
    assert response.status_code == 200
    assert parse_utc(response.json["checked_at"])
    domain = {
        "ok": True,
        "backend": "postgresql",
        "durable": True,
        "enabled": True,
        "events_file_override": False,
        "note": "DATABASE_URL is set",
    }
    assert {**response.json, "checked_at": None} == {
        "required": True,
        "pass_contract": True,
        "checked_at": None,
        "domains": {"agent_runs": domain, "runtime_events": domain, "audio_runtime": domain},
        "failures": [],
    }


def test_a_file_that_a_database_overrides_is_reported(make_app, tmp_path):
    client = make_app(runtime_events_path=tmp_path / "events").test_client()
    body = client.get(URL).json
    assert body["pass_contract"]
    assert body["domains"]["runtime_events"]["backend"] == "postgresql"
    assert body["domains"]["runtime_events"]["events_file_override"]


@pytest.mark.parametrize(("required", "passed"), [("true", False), ("auto", True)])
def test_a_file_is_reported(make_app, tmp_path, required, passed):
    client = make_app(
        database_url=None,
        runtime_events_path=tmp_path / "events",
        persistence_contract_required=required,
    ).test_client()
    response = client.get(URL)
    assert response.status_code == 200
    assert response.json["required"] == (required == "true")
    assert response.json["pass_contract"] == passed
    assert ("runtime_events_not_postgresql" in response.json["failures"]) == (not passed)
    events = response.json["domains"]["runtime_events"]
    assert events == {
        "ok": passed,
        "backend": "json_file",
        "durable": False,
        "enabled": True,
        "events_file_override": True,
        "note": "only RUNTIME_EVENTS_PATH is set, no database URL",
        "unreadable_lines": 0,
    }
    runs = response.json["domains"]["agent_runs"]
    assert (runs["ok"], runs["enabled"], runs["backend"]) == (False, False, "none")


def test_a_torn_line_is_counted(make_app, tmp_path):
    file = tmp_path / "events"
    file.write_text('{"id": "to')
    client = make_app(database_url=None, runtime_events_path=file).test_client()
    assert client.get(URL).json["domains"]["runtime_events"]["unreadable_lines"] == 1


def test_with_nothing_configured_every_backend_is_none(make_app):
    response = make_app(database_url=None).test_client().get(URL)
    assert response.status_code == 200
    assert not response.json["pass_contract"]
    assert {it["backend"] for it in response.json["domains"].values()} == {"none"}
    assert "runtime_events_not_postgresql" in response.json["failures"]
