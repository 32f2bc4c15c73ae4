"""GET /api/v1/runs."""

from urllib.parse import quote

import pytest

from tests.support.errors import assert_error, assert_problems
from tests.support.runs import full_run, minimal_run

URL = "/api/v1/runs"


def names(response):
    assert response.status_code == 200, response.json
    return [run["event_id"] for run in response.json]


@pytest.fixture
def runs(client):
    """Six runs, a minute apart, newest last."""
    batch = [
        minimal_run(
            f"e{number}",
            agent_name="odd" if number % 2 else "even",
            status="failure" if number < 3 else "success",
            job_type=f"job-{number % 3}",
            run_id=f"r{number}",
            parent_run_id="p" * 4000 if number == 5 else None,
            created_at=f"2026-01-01T00:0{number}:00Z",
            start_time=f"2026-02-01T00:0{number}:00Z",
        )
        for number in range(6)
    ]
    assert client.post(f"{URL}/batch", json=batch).json["inserted"] == 6


def test_it_works(client, runs):
    assert names(client.get(URL)) == ["e5", "e4", "e3", "e2", "e1", "e0"]


def test_each_row_is_the_run_with_its_links(client):
    client.post(f"{URL}/batch", json=[full_run("with-links"), minimal_run("without")])
    for run in client.get(URL).json:
        assert run == client.get(f"{URL}/{run['event_id']}").json
        assert (run["repo_url"] is None) == (run["event_id"] == "without")
        assert (run["commit_url"] is None) == (run["event_id"] == "without")


def test_without_runs_it_is_an_empty_array(client):
    response = client.get(URL)
    assert (response.status_code, response.json) == (200, [])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("agent_name=odd", "531"),
        ("agent_name=odd&status=failure", "1"),
        ("agent_name=odd&status=failed", "1"),
        ("agent_name=odd&limit=2&offset=1", "31"),
        ("agent_name=nobody", ""),
        ("status=completed", "543"),
        ("job_type=job-1", "41"),
        ("run_id=r2", "2"),
        ("parent_run_id=" + "p" * 4000, "5"),
        ("created_before=2026-01-01T00:02:00Z", "10"),
        ("created_after=2026-01-01T00:03:00Z", "54"),
        ("created_after=2026-01-01T01:03:00" + quote("+01:00"), "54"),
        ("created_after=2026-01-01T01:03:00+01:00", "54"),
        ("created_after=2026-01-01T01:03:00+0100", "54"),
        ("created_after=2026-01-01T01:03:00.0+01", "54"),
        ("created_after=2026-01-01 01:03+01", "54"),
        ("created_after=2026-01-01T00:03:00", "54"),
        ("created_after=2026-01-01 00:03", "54"),
        ("created_after=2026-01-01", "54321"),
        ("created_before=2026-01-02", "543210"),
        ("start_time_from=2026-02-01T01:04+01", "54"),
        ("start_time_to=2026-02-01", "0"),
        ("start_time_from=2026-02-01T00:04:00Z", "54"),
        ("start_time_to=2026-02-01T00:01:00Z", "10"),
        ("start_time_from=2026-02-01T00:01:00Z&start_time_to=2026-02-01T00:02:00Z", "21"),
        ("job_type=job-1&agent_name=even&status=success", "4"),
        ("limit=2", "54"),
        ("offset=4", "10"),
        ("offset=4611686018427387904", ""),
        ("agent_name=odd&offset=4611686018427387904", ""),
        ("agent_name=&status=", "543210"),
    ],
)
def test_it_filters(client, runs, query, expected):
    assert names(client.get(f"{URL}?{query}")) == [f"e{number}" for number in expected]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("status=finished", "status"),
        ("created_after=yesterday", "created_after"),
        ("start_time_to=2026-02-30", "start_time_to"),
        ("start_time_to=2026-01", "start_time_to"),
        ("created_before=2026-01-01T00:00:00 5", "created_before"),
    ],
)
def test_a_bad_status_or_timestamp_is_400(client, query, named):
    response = client.get(f"{URL}?{query}")
    assert assert_error(response, 400).startswith(f"Invalid {named}: ")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=0", {"limit": "greater_than_equal"}),
        ("limit=1001", {"limit": "less_than_equal"}),
        ("limit=ten", {"limit": "int_parsing"}),
        ("limit=1&offset=-1", {"offset": "greater_than_equal"}),
        ("offset=1.5&limit=x", {"limit": "int_parsing", "offset": "int_parsing"}),
        ("offset=4611686018427387905", {"offset": "less_than_equal"}),
        ("cursor=nonsense", {"cursor": "cursor"}),
        ("limit=1&limit=x", {"limit": "repeated"}),
        ("agent_name=%00", {"agent_name": "text_not_storable"}),
        ("agent=x", {"agent": "unknown"}),
    ],
)
def test_it_rejects(client, query, expected):
    assert_problems(client.get(f"{URL}?{query}"), expected, ("query",))


@pytest.mark.parametrize("query", ["limit=2", "limit=2&agent_name=odd", "limit=1&status=success"])
def test_the_cursor_reaches_every_run_once(client, runs, query):
    everything = names(client.get(f"{URL}?{query.replace('limit=2', '').replace('limit=1', '')}"))
    found, response = [], client.get(f"{URL}?{query}")
    while True:
        found += names(response)
        link = response.headers.get("Link")
        if link is None:
            break
        url, rel = link.split("; ")
        assert rel == 'rel="next"'
        response = client.get(url.strip("<>"))
    assert found == everything


def test_the_cursor_is_stable_while_runs_are_added(client, runs):
    first = client.get(f"{URL}?limit=3")
    client.post(URL, json=minimal_run("newest"))
    link = first.headers["Link"].split(";")[0].strip("<>")
    assert names(client.get(link)) == ["e2", "e1", "e0"]


@pytest.mark.parametrize("agent", ["", "&agent_name=agent-a"])
def test_the_cursor_separates_runs_of_one_instant(client, agent):
    same = [minimal_run(f"e{n}", created_at="2026-01-01T00:00:00Z") for n in range(7)]
    client.post(f"{URL}/batch", json=same)
    first = client.get(f"{URL}?limit=4{agent}")
    second = client.get(first.headers["Link"].split(";")[0].strip("<>"))
    assert names(first) + names(second) == [f"e{n}" for n in range(6, -1, -1)]


def test_every_bad_parameter_is_named_at_once(client):
    response = client.get(f"{URL}?limit=x&offset=-1&colour=red&run_id=a&run_id=b")
    expected = {
        "colour": "unknown",
        "run_id": "repeated",
        "limit": "int_parsing",
        "offset": "greater_than_equal",
    }
    assert_problems(response, expected, start=("query",))
