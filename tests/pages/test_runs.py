"""The table of runs, its filters, its pages and its exports."""

import csv
import io
import json
from datetime import timedelta

import pytest

from telemetry.database import statements
from telemetry.pages.export import COLUMNS
from tests.pages.test_overview import at
from tests.support.pages import HOSTILE, open_page
from tests.support.runs import full_run, minimal_run


def rows(page):
    return [path for path in page.links() if path.startswith("/runs/")]


@pytest.fixture
def post(client):
    def create(*records):
        assert client.post("/api/v1/runs/batch", json=records).json["inserted"] == len(records)

    return create


def test_an_empty_table_says_what_to_do_next(client):
    assert "curl -X POST http://localhost/api/v1/runs" in open_page(client, "/runs").text


def test_it_shows_what_a_row_has(client, post):
    post(full_run(metrics_json={"cost_usd": 0.42}, start_time=at(minutes=3), duration_ms=130_000))
    page = open_page(client, "/runs")
    assert "partial crawl two failed agent-ä production 3 m ago 2 m 10 s" in page.text
    assert "7 of 10 2 failed $0.42 01234567" in page.text
    assert "https://github.com/owner/name/commit/" in " ".join(page.links())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("agent_name=b", ["r2"]),
        ("job_type=audit", ["r3"]),
        ("status=failure", ["r3", "r1"]),
        ("status=failed", ["r3", "r1"]),
        ("run_id=run-2", ["r2"]),
        ("parent_run_id=run-1", ["r2"]),
        ("environment=prod", ["r1"]),
        ("error=KeyError", ["r1"]),
        ("created_after=2026-01-02&created_before=2026-01-03T12:00", ["r3", "r2"]),
        ("start_time_from=2026-01-31T12:00&start_time_to=2026-01-31T12:00", ["r3", "r2", "r1"]),
        ("stale=false", ["r3", "r2", "r1"]),
        ("stale=true", []),
        ("search=r2", ["r2"]),
        ("search=run-2", ["r2"]),
        ("search=un-2&created_after=2026-01-01T23:00", ["r2"]),
        ("search=un-2", []),
    ],
)
def test_it_filters(client, post, query, found):
    post(
        minimal_run(
            "r1",
            status="failure",
            environment="prod",
            error_summary="KeyError",
            created_at="2026-01-01T00:00:00Z",
        ),
        minimal_run(
            "r2",
            agent_name="b",
            run_id="run-2",
            parent_run_id="run-1",
            created_at="2026-01-02T06:00:00Z",
        ),
        minimal_run("r3", job_type="audit", status="failure", created_at="2026-01-03T00:00:00Z"),
    )
    assert rows(open_page(client, f"/runs?{query}")) == [f"/runs/{name}" for name in found]
    lines = client.get(f"/runs.jsonl?{query}").text.splitlines()
    assert [json.loads(line)["event_id"] for line in lines] == found


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("status=done", "Must be one of"),
        ("created_after=yesterday", "Must be a date"),
        ("stale=maybe", "Must be true or false"),
        ("cursor=nonsense", "Must come from a page of this table"),
        ("no_summary=maybe", "Must be true or false"),
        ("agnet=a", "Unknown parameter"),
        ("agent_name=%00", "NUL character"),
        ("search=" + "x" * 256, "at most 255"),
    ],
)
def test_a_filter_that_makes_no_sense_has_a_message_at_its_field(client, query, message):
    assert message in open_page(client, f"/runs?{query}", status=422).text
    assert client.get(f"/runs.csv?{query}").status_code == 422


def test_stale_runs_are_marked(make_app, db):
    client = make_app(stale_after=timedelta(minutes=2)).test_client()
    client.post("/api/v1/runs", json=minimal_run("r1"))
    db.execute("UPDATE agent_runs SET updated_at = now() - interval '3 minutes'")
    assert "stale crawl" in open_page(client, "/runs?stale=true").text
    assert rows(open_page(client, "/runs?stale=false")) == []


def test_pages_neither_skip_nor_repeat_while_runs_arrive(client, post):
    post(*(minimal_run(f"r{n:03}", created_at=at(minutes=n // 3)) for n in range(120)))
    seen, path = [], "/runs"
    while path:
        page = open_page(client, path)
        seen += rows(page)
        post(minimal_run(f"new-{len(seen)}"))
        path = next((it for it in page.links() if "cursor=" in it), None)
    assert len(seen) == len({*seen}) == 120


def test_pages_turn_back_as_they_turned(client, post):
    post(*(minimal_run(f"r{n:03}", created_at=at(minutes=n // 3)) for n in range(120)))
    first = open_page(client, "/runs")
    assert not [it for it in first.links() if "newer=" in it]
    second = open_page(client, turn(first, "Older"))
    third = open_page(client, turn(second, "Older"))
    assert rows(open_page(client, turn(third, "Newer"))) == rows(second)
    # Nothing is newer than the first page, so it is the table itself.
    back = open_page(client, turn(second, "Newer"))
    assert rows(back) == rows(first)
    assert not [it for it in back.links() if "newer=" in it]
    post(*(minimal_run(f"new-{n}", created_at=at(minutes=-1)) for n in range(3)))
    back = open_page(client, turn(second, "Newer"))
    assert rows(back) == rows(first)
    newest = open_page(client, turn(back, "Newer"))
    assert rows(newest) == rows(open_page(client, "/runs"))
    assert len(rows(newest)) == 50


def test_a_filter_stays_while_pages_turn_back(client, post):
    post(*(minimal_run(f"r{n:03}", created_at=at(minutes=n)) for n in range(240)))
    post(*(minimal_run(f"b{n:03}", agent_name="b", created_at=at(minutes=n)) for n in range(240)))
    page = open_page(client, "/runs?agent_name=b")
    seen = [rows(page)]
    for _ in range(4):
        page = open_page(client, turn(page, "Older"))
        seen.append(rows(page))
    for earlier in reversed(seen[:-1]):
        page = open_page(client, turn(page, "Newer"))
        assert rows(page) == earlier
    assert sum(map(len, seen)) == 240


def turn(page, text):
    name = {"Older": "cursor=", "Newer": "newer="}[text]
    return next(it for it in page.links() if name in it)


def test_both_directions_have_the_same_conditions():
    older, newer = (
        statements.load(f"pages/{name}").decode().partition("SELECT\n")[2]
        for name in ("list_runs", "list_newer_runs")
    )
    assert (
        newer.replace("(created_at, event_id) > (", "(created_at, event_id) < (").replace(
            "created_at ASC, event_id ASC", "created_at DESC, event_id DESC"
        )
        == older
    )


@pytest.mark.parametrize(
    ("metrics", "cost"),
    [
        ({"total_cost": 1.25}, "$1.25"),
        ({"cost_usd": "0.5", "cost": 0.7}, "$0.70"),
        ({"cost": 2, "total_cost_usd": 3}, "$2.00"),
        ({"cost_usd": True, "total_cost_usd": 3}, "$3.00"),
        ({"cost_usd": 1e308}, "$1e+308"),
        ({"cost_usd": None, "cost": [1]}, None),
    ],
)
def test_table_and_page_show_the_same_cost(client, post, metrics, cost):
    post(minimal_run("r1", metrics_json=metrics, git_commit_hash="0123456789"))
    expected = f"{cost or '–'} 01234567"
    assert expected in open_page(client, "/runs").text
    text = open_page(client, "/runs/r1").text
    assert (f"Cost {cost} as the agent" in text) if cost else ("Cost" not in text)


def test_a_page_with_a_wrong_filter_exports_nothing(client):
    page = open_page(client, "/runs?status=zz&agent_name=x", status=422)
    assert not [it for it in page.links() if it.startswith(("/runs.csv", "/runs.jsonl"))]


def test_the_exports_have_every_run_with_every_field(client, post):
    post(full_run(), *(minimal_run(f"r{n}") for n in range(650)))
    api = client.get("/api/v1/runs?limit=1000").json
    lines = client.get("/runs.jsonl").text.splitlines()
    assert [json.loads(line) for line in lines] == api
    response = client.get("/runs.csv")
    assert "attachment" in response.headers["Content-Disposition"]
    read = [*csv.DictReader(io.StringIO(response.text))]
    assert [row["event_id"] for row in read] == [run["event_id"] for run in api]
    assert [*read[0]] == COLUMNS
    assert {*COLUMNS} == {*api[0]}
    last = read[-1]
    assert json.loads(last["metrics_json"]) == full_run()["metrics_json"]


def test_an_empty_export_has_the_names_of_the_columns(client):
    assert client.get("/runs.csv").text.strip().split(",") == COLUMNS
    assert client.get("/runs.jsonl").text == ""


@pytest.mark.parametrize(
    "text",
    [
        "=HYPERLINK(1)",
        "+1",
        "-1",
        "@A1",
        "\t=1",
        "\n1",
        "\r1",
        " =1",
        "\xa0@A1",
        "\uff1d1",
        "\uff0d1",
    ],
)
def test_a_spreadsheet_runs_no_formula_of_an_agent(client, post, text):
    post(minimal_run("r1", error_summary=text, output_summary="1 = 1", duration_ms=5))
    [row] = csv.DictReader(io.StringIO(client.get("/runs.csv").text, newline=""))
    assert row["error_summary"] == f"'{text}"
    assert row["output_summary"] == "1 = 1"
    assert row["duration_ms"] == "5"


def test_a_csv_has_booleans_as_the_api_has(client, post):
    post(minimal_run("r1", api_posted=True))
    [row] = csv.DictReader(io.StringIO(client.get("/runs.csv").text))
    assert (row["stale"], row["api_posted"]) == ("false", "true")


def test_what_agents_posted_is_only_text(client, post):
    for number, text in enumerate(HOSTILE):
        name = text[:255].strip()
        run = full_run(
            f"e{number}",
            **dict.fromkeys(("run_id", "agent_name", "job_type"), name),
            **dict.fromkeys(("environment", "error_summary", "git_repo", "git_commit_hash"), text),
            metrics_json={"cost_usd": text},
        )
        assert client.post("/api/v1/runs", json=run).status_code == 201
    page = open_page(client, "/runs")
    assert "<script>alert(1)</script>" in page.text
    assert not any("alert" in path for path in page.links() if path.startswith("http"))
