"""GET /metrics: JSON, or the formats of Prometheus."""

import re

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from telemetry.metrics.exposition import OTHER_AGENTS
from tests.support.command import telemetry
from tests.support.runs import minimal_run
from tests.support.samples import samples


@pytest.fixture
def runs(client):
    batch = [
        minimal_run("a"),
        minimal_run("b", agent_name='qu"ote\n'),
        minimal_run("c", created_at="2020-01-01T00:00:00Z"),
        minimal_run("d", created_at="2999-01-01T00:00:00Z"),
    ]
    assert client.post("/api/v1/runs/batch", json=batch).json["inserted"] == 4


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/html"])
def test_it_works(client, runs, accept):
    response = client.get("/metrics", headers={"Accept": accept} if accept else {})
    assert response.content_type == "application/json"
    assert response.json == {
        "total_runs": 4,
        "agents": {"agent-a": 3, 'qu"ote\n': 1},
        "recent_24h": 2,
    }


# What Prometheus 3 sends.
SCRAPE = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "kind", "parse"),
    [
        ("text/plain", "text/plain", plain),
        (
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text",
            openmetrics,
        ),
        (SCRAPE, "application/openmetrics-text", openmetrics),
    ],
)
def test_prometheus_gets_its_own_formats(client, runs, accept, kind, parse):
    response = client.get("/metrics", headers={"Accept": accept})
    assert response.mimetype == kind
    samples = {
        (sample.name, sample.labels["agent_name"]): sample.value
        for family in parse(response.text)
        for sample in family.samples
        if "agent_name" in sample.labels
    }
    assert samples == {
        ("telemetry_runs", "agent-a"): 3,
        ("telemetry_runs", 'qu"ote\n'): 1,
        ("telemetry_runs_recent_24h", "agent-a"): 1,
        ("telemetry_runs_recent_24h", 'qu"ote\n'): 1,
    }


def agents(client, metric="telemetry_runs"):
    return {dict(labels)["agent_name"]: it for labels, it in samples(client)[metric].items()}


def create(client, *names):
    batch = [minimal_run(f"run-{number}-of-{it}", agent_name=it) for number, it in enumerate(names)]
    assert client.post("/api/v1/runs/batch", json=batch).json["inserted"] == len(names)


def test_the_largest_agents_have_series_of_their_own(client):
    names = [f"agent-{number:03}" for number in range(150)]
    create(client, *names, *names[-20:])
    found = agents(client)
    assert len(found) == 101
    assert found["agent-149"] == 2
    assert found[OTHER_AGENTS] == 50
    assert sum(found.values()) == 170


def test_clients_cannot_replace_the_agents_that_have_series(client):
    """Whatever they send: many new agents, larger ones, and names that sort before the others."""
    create(client, *["zoe"] * 2)
    assert agents(client) == {"zoe": 2}
    seen = set()
    for turn in range(4):
        create(client, *[f"{'dcba'[turn]}-{number:02}" for number in range(60)] * (turn + 1))
        seen |= agents(client).keys()
    assert len(seen) == 101
    assert agents(client)["zoe"] == 2


def test_an_agent_with_the_name_of_the_others_is_counted_with_them(client):
    create(client, OTHER_AGENTS, OTHER_AGENTS, "agent-a")
    assert agents(client) == {OTHER_AGENTS: 2, "agent-a": 1}
    create(client, *[f"agent-{number}" for number in range(100)])
    assert agents(client)[OTHER_AGENTS] == 3
    assert agents(client, "telemetry_runs_recent_24h")[OTHER_AGENTS] == 3
    assert client.get("/metrics").json["agents"][OTHER_AGENTS] == 2


def test_the_last_verify_of_the_whole_ledger_is_known(client, database_url, db):
    assert "telemetry_ledger_verify_age_seconds" not in samples(client)
    telemetry("verify", DATABASE_URL=database_url)
    assert samples(client)["telemetry_ledger_verify_findings"] == {frozenset(): 0}
    db.execute("UPDATE audio_runtime_verifications SET finished_at = now() - interval '1 day'")
    [age] = samples(client)["telemetry_ledger_verify_age_seconds"].values()
    assert 86_400 <= age < 86_500


def test_a_verify_of_a_part_of_the_ledger_is_not_recorded(client, database_url, db):
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    done = telemetry("verify", "--tenant", "tenant-1", DATABASE_URL=database_url)
    assert done.returncode == 0
    assert db.execute("SELECT FROM audio_runtime_verifications").fetchall() == []


def test_a_verify_that_cannot_be_recorded_counts_all_the_same(client, database_url, db):
    db.execute("DROP TABLE audio_runtime_verifications")
    done = telemetry("verify", DATABASE_URL=database_url)
    assert done.returncode == 0
    assert "not recorded: relation" in done.stderr


@pytest.mark.faults
def test_a_scrape_succeeds_while_the_database_does_not_respond(server, make_app):
    client = make_app(database_url=server.url).test_client()
    assert samples(client)["telemetry_database_up"] == {frozenset({("database", "records")}): 1}
    server.stop()
    found = samples(client)
    assert found["telemetry_database_up"] == {frozenset({("database", "records")}): 0}
    assert "telemetry_runs" not in found
    assert client.get("/metrics").status_code == 503


@pytest.mark.long
def test_each_database_is_up_or_not(make_app, database_url):
    elsewhere = "postgresql://127.0.0.1:1/nothing"
    client = make_app(runtime_database_url=elsewhere).test_client()
    found = samples(client)["telemetry_database_up"]
    assert found == {
        frozenset({("database", "records")}): 1,
        frozenset({("database", "runtime_events")}): 0,
    }


def test_the_database_of_events_needs_no_ledger(make_app, database_url):
    """A role for events alone has no right to what the ledger needs."""
    empty = re.sub(r"/\w+\?", "/postgres?", database_url)
    assert empty != database_url
    found = samples(make_app(runtime_database_url=empty).test_client())
    assert set(found["telemetry_database_up"].values()) == {1}


def test_it_works_without_a_database(make_app):
    client = make_app(database_url=None).test_client()
    assert "telemetry_database_up" not in samples(client)
    assert client.get("/metrics").status_code == 503
