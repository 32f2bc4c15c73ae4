"""How long a run took is one figure, wherever it is shown."""

import pytest

from tests.pages.test_overview import at
from tests.support.pages import open_page
from tests.support.runs import minimal_run

START = "2026-01-31T12:00:00Z"
END = "2026-01-31T12:01:00Z"


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"end_time": END}, "1 m 00 s"),
        ({"end_time": END, "duration_ms": 2500}, "2.5 s"),
        ({"end_time": START}, "0 ms"),
        ({"end_time": "2026-01-31T11:00:00Z"}, "–"),
        ({}, "–"),
        ({"duration_ms": 0}, "–"),
        ({"duration_ms": 0, "end_time": END}, "1 m 00 s"),
    ],
)
def test_every_place_shows_the_same(client, fields, shown):
    records = [
        minimal_run(f"r{n}", status="success", created_at=at(minutes=n), **fields) for n in range(7)
    ]
    assert client.post("/api/v1/runs/batch", json=records).json["inserted"] == len(records)
    other = minimal_run("other", agent_name="b", status="success", duration_ms=7000)
    client.post("/api/v1/runs", json=other)
    assert f"7 100 % {shown} {shown}" in open_page(client, "/").text
    assert f"ago {shown} " in open_page(client, "/runs").text
    page = open_page(client, "/runs/r3")
    assert f"Duration {shown}" in page.text
    rank = f"p50 {shown}" if shown != "–" else "too few runs to compare"
    assert rank in page.text
    assert page.text.count(f"success {shown}") == 7
    assert page.text.count(f": {shown}, success") == 7
    if shown != "0 ms":
        assert "0 ms" not in page.text
    comparison = open_page(client, "/runs/compare?a=other&b=r3").text
    assert f"duration 7.0 s {shown}" in comparison
    assert f"success r3 {shown}" in open_page(client, "/runs/compare?a=r2").text


def test_percentiles_are_of_the_runs_whose_duration_is_known(client):
    sent = [{"end_time": END}, {"end_time": END}, {}, {}, {}, {"duration_ms": 1000}]
    records = [
        minimal_run(f"r{n}", status="success", environment="prod", created_at=at(minutes=n), **it)
        for n, it in enumerate(sent)
    ]
    assert client.post("/api/v1/runs/batch", json=records).json["inserted"] == len(records)
    for path in ("/", "/?environment=prod"):
        assert "6 100 % 1 m 00 s 1 m 00 s" in open_page(client, path).text


def test_the_chart_has_the_runs_that_have_ended_and_the_run_itself(client):
    records = [minimal_run(f"r{n}", start_time=at(minutes=n)) for n in range(1, 4)]
    records += [minimal_run(f"s{n}", status="success", duration_ms=5) for n in range(4)]
    assert client.post("/api/v1/runs/batch", json=records).json["inserted"] == len(records)
    page = open_page(client, "/runs/r2")
    assert "last 5 of this job" in page.text
    assert "running 2 m 0" in page.text
    assert "/runs/r1" not in page.links()
    assert "last 4 of this job" in open_page(client, "/runs/s2").text
