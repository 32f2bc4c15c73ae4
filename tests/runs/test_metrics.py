"""GET /metrics."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from tests.support.runs import minimal_run


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
    }
    assert samples == {
        ("telemetry_runs", "agent-a"): 3,
        ("telemetry_runs", 'qu"ote\n'): 1,
        ("telemetry_runs_recent_24h", "agent-a"): 1,
        ("telemetry_runs_recent_24h", 'qu"ote\n'): 1,
    }
