"""GET /health and /api/health."""

import pytest

from telemetry import __version__

UNREACHABLE = "postgresql://nobody@127.0.0.1:1/nowhere"


@pytest.mark.parametrize("url", ["/health", "/api/health"])
def test_it_works(client, url):
    response = client.get(url)
    assert response.status_code == 200
    assert response.json.pop("uptime_seconds") >= 0
    assert {**response.json, "uptime_seconds": None} == {
        "status": "ok",
        "version": __version__,
        "uptime_seconds": None,
        "persistence": {
            "agent_runs": "postgresql",
            "runtime_events": "postgresql",
            "audio_runtime": "postgresql",
        },
    }


def test_no_database_is_asked(make_app):
    client = make_app(database_url=UNREACHABLE).test_client()
    assert client.get("/health").status_code == 200
