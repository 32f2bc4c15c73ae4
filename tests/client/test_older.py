"""The code of users of the older client runs after changing one import."""

from pathlib import Path

import pytest

from telemetry.client import RunContext, TelemetryClient, TelemetryConfig
from tests.client.stub import Stub


@pytest.fixture
def config(tmp_path):
    """A configuration as users of the older client make one."""
    return TelemetryConfig(
        metrics_dir=tmp_path / "metrics",
        database_path=tmp_path / "db" / "telemetry.sqlite",
        ndjson_dir=tmp_path / "raw",
        api_url="http://127.0.0.1:9",
        google_sheets_api_url=None,
        google_sheets_api_enabled=False,
        api_token="secret",
        api_enabled=False,
        retry_backoff_factor=1.0,
        agent_owner="team",
        test_mode=None,
        skip_validation=False,
    )


def test_a_client_takes_a_configuration(config, tmp_path):
    with Stub() as stub:
        config.api_url = stub.url
        for client in (TelemetryClient(config), TelemetryClient(config=config)):
            with client.track_run("agent", "job", trigger_type="web") as context:
                assert isinstance(context, RunContext)
                context.log_event("start", {"input": "data.csv"})
                context.set_metrics(items_discovered=10, items_succeeded=10)
            assert client.flush(5)
            client.close()
    assert {request.headers["authorization"] for request in stub.requests} == {"Bearer secret"}
    ended = [it for request in stub.requests for it in request.records if "run_id" in it]
    assert {it["context_json"]["agent_owner"] for it in ended} == {"team"}
    assert client.spool_folder.parent == tmp_path / "metrics" / "spool"


def test_the_environment_configures_a_client(monkeypatch, tmp_path):
    monkeypatch.setenv("TELEMETRY_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("TELEMETRY_BUFFER_DIR", str(tmp_path))
    monkeypatch.setenv("AGENT_OWNER", "team")
    config = TelemetryConfig.from_env()
    assert (config.api_url, config.agent_owner) == ("http://127.0.0.1:9", "team")
    assert config.validate() == (True, [])
    assert TelemetryClient().spool_folder.parent == tmp_path
    monkeypatch.setenv("TELEMETRY_API_URL", "telemetry.example.org")
    assert TelemetryConfig.from_env().validate()[0] is False


def test_a_configuration_names_its_mode_and_shows_no_token():
    config = TelemetryConfig(api_token="secret", test_mode="live")
    assert (config.is_test_mode(), config.is_live_mode(), config.is_mock_mode()) == (1, 1, 0)
    assert "secret" not in f"{config} {config!r}"


def test_in_mock_mode_nothing_is_recorded(monkeypatch, tmp_path):
    monkeypatch.setenv("TELEMETRY_TEST_MODE", "mock")
    client = TelemetryClient(spool_dir=tmp_path)
    with client.track_run("agent", "job") as context:
        context.set_metrics(items_discovered=1)
    assert client.flush(0)
    assert [*Path(tmp_path).iterdir()] == []


def test_unknown_runs_change_nothing(make_client):
    client = make_client(strict=False)
    client.end_run("unknown")
    client.update_run("unknown", items_failed=1)
    done = client.associate_commit("unknown", "abcdef0123", "llm")
    assert done == (False, "[ERROR] Run ID not found: unknown")
    assert client.counters["appended"] == 0


def test_statistics(make_client, service):
    client = make_client(service.url, strict=False)
    client.end_run(client.start_run("agent", "job", run_id="mine"))
    client.start_run("agent", "job")
    client.start_run("agent", "job", run_id="a/b")
    assert client.flush(10)
    stats = client.get_stats()
    assert (stats["total_runs"], stats["agents"]) == (3, {"agent": 3})
    metrics = client.get_run_id_metrics()["run_id_metrics"]
    assert (metrics["custom_accepted"], metrics["generated"], metrics["total_runs"]) == (1, 2, 3)
    assert metrics["rejected"]["invalid_chars"] == 1
    client.log_run_id_metrics()
    assert make_client().get_stats()["error"] == "Statistics unavailable"
