"""GET /health, /api/health, /api/ping and /api/version, and what they say of the process."""

from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from telemetry import __version__
from telemetry.health import views
from telemetry.health.views import deployed_sha, human

SHA_VARIABLES = (
    "GIT_SHA",
    "RAILWAY_GIT_COMMIT_SHA",
    "HEROKU_BUILD_COMMIT",
    "HEROKU_SLUG_COMMIT",
    "RENDER_GIT_COMMIT",
    "SOURCE_VERSION",
)
UNREACHABLE = "postgresql://nobody@127.0.0.1:1/nowhere"


@pytest.fixture
def no_platform(monkeypatch):
    for name in SHA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("url", ["/health", "/api/health"])
def test_it_works(client, no_platform, url):
    response = client.get(url)
    assert response.status_code == 200
    body = response.json
    assert body.pop("uptime_seconds") >= 0
    assert body.keys() > {"timestamp", "started_at", "uptime_human"}
    for name in ("timestamp", "started_at", "uptime_human"):
        del body[name]
    assert body == {
        "status": "ok",
        "version": __version__,
        "deployed_sha": None,
        "persistence": {
            "agent_runs": "postgresql",
            "runtime_events": "postgresql",
            "audio_runtime": "postgresql",
        },
    }


@pytest.mark.parametrize("url", ["/health", "/api/health", "/api/ready"])
@pytest.mark.parametrize("configured", [True, False])
def test_it_says_when_the_process_started_and_what_it_runs(
    make_app, monkeypatch, no_platform, url, configured
):
    monkeypatch.setenv("RAILWAY_GIT_COMMIT_SHA", "0a1b2c3")
    monkeypatch.setattr(views, "STARTED", monotonic() - 93784.5)
    monkeypatch.setattr(views, "STARTED_AT", "2026-01-31T12:00:00.000000Z")
    settings = {} if configured else {"database_url": None}
    body = make_app(**settings).test_client().get(url).json
    timestamp = datetime.fromisoformat(body["timestamp"])
    assert abs(datetime.now(UTC) - timestamp) < timedelta(seconds=5)
    assert body["timestamp"].endswith("Z")
    assert body["started_at"] == "2026-01-31T12:00:00.000000Z"
    assert body["uptime_human"].startswith("1d 2h 3m ")
    assert body["deployed_sha"] == "0a1b2c3"
    if url != "/api/ready":
        assert 93784.5 <= body["uptime_seconds"] < 93790


def test_the_process_started_when_it_was_loaded():
    started = datetime.fromisoformat(views.STARTED_AT)
    uptime = timedelta(seconds=monotonic() - views.STARTED)
    assert abs(datetime.now(UTC) - uptime - started) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m 0s"), (3600, "1h 0m 0s"), (93784, "1d 2h 3m 4s")],
)
def test_the_uptime_is_readable(seconds, text):
    assert human(seconds) == text


def test_the_deployed_commit_is_that_of_the_platform():
    for name in SHA_VARIABLES:
        assert deployed_sha({name: "0a1b2c3"}) == "0a1b2c3"
        assert deployed_sha({name: " "}) is None
    everywhere = {name: name for name in SHA_VARIABLES}
    assert deployed_sha(everywhere) == "GIT_SHA"
    assert deployed_sha({}) is None


def test_ping_responds_and_the_version_is_that_of_version(client):
    assert client.get("/api/ping").json == {"status": "ok"}
    for path in ("/version", "/api/version"):
        assert client.get(path).json == {"version": __version__}


def test_no_database_is_asked(make_app):
    client = make_app(database_url=UNREACHABLE).test_client()
    assert client.get("/health").status_code == 200
