"""GET /api/v1/metadata."""

from tests.support.runs import minimal_run


def test_it_works(client):
    runs = [
        minimal_run(f"e{number}", agent_name=agent, job_type=job)
        for number, (agent, job) in enumerate([("b", "y"), ("a", "x"), ("Z", "x"), ("a", "é")])
    ]
    client.post("/api/v1/runs/batch", json=runs)
    assert client.get("/api/v1/metadata").json == {
        "agent_names": ["Z", "a", "b"],
        "job_types": ["x", "y", "é"],
        "counts": {"agent_names": 3, "job_types": 3},
    }


def test_it_is_empty_without_runs(client):
    assert client.get("/api/v1/metadata").json == {
        "agent_names": [],
        "job_types": [],
        "counts": {"agent_names": 0, "job_types": 0},
    }


def test_it_is_always_fresh(client):
    client.get("/api/v1/metadata")
    client.post("/api/v1/runs", json=minimal_run(agent_name="late"))
    assert client.get("/api/v1/metadata").json["agent_names"] == ["late"]
