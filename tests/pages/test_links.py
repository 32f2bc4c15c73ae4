"""The list behind a figure has exactly the runs that the figure counts."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from telemetry.pages.states import STACK, STATES
from telemetry.pages.window import SPANS
from telemetry.runs.schema import STATUSES
from tests.pages.test_overview import at
from tests.support.pages import BROWSER, open_page
from tests.support.runs import minimal_run

WEEK_AGO = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=7)


@pytest.fixture
def listed(client):
    """Return the event_ids behind a link to the table."""

    def read(link):
        parts = urlsplit(link)
        assert parts.path == "/runs"
        response = client.get(f"/runs.jsonl?{parts.query}")
        assert response.status_code == 200, response.text
        return re.findall(r'"event_id":"([^"]+)"', response.text)

    return read


@pytest.fixture(autouse=True)
def runs(client):
    """Runs at both ends of every window and beyond it, and every kind of failure."""
    failed = {"status": "failure", "error_summary": "KeyError"}
    records = [
        minimal_run("ahead", status="success", created_at=at(hours=-1)),
        minimal_run("soon", status="success", created_at=at(minutes=-2)),
        minimal_run("no-text", status="failure", created_at=at(minutes=3)),
        minimal_run("empty", status="failure", error_summary="", created_at=at(minutes=4)),
        minimal_run("timeout", status="timeout", created_at=at(minutes=5)),
        minimal_run("key", created_at=at(minutes=6), **failed),
        minimal_run("key-b", agent_name="agent-b", created_at=at(minutes=7), **failed),
        minimal_run("key-timeout", created_at=at(hours=20), **{**failed, "status": "timeout"}),
        minimal_run("older-key", created_at=at(days=3), **failed),
        minimal_run("running", created_at=at(minutes=9)),
        *(
            minimal_run(f"h{n}", status="success", created_at=at(minutes=17 * n), job_type="b")
            for n in range(1, 200)
        ),
        *(
            minimal_run(
                f"e{n}",
                status="success",
                created_at=(WEEK_AGO + timedelta(minutes=n)).isoformat(),
            )
            for n in range(120)
        ),
    ]
    assert client.post("/api/v1/runs/batch", json=records).json["inserted"] == len(records)


FROM_TO = (
    f"created_after={WEEK_AGO + timedelta(minutes=17):%Y-%m-%dT%H:%M}"
    f"&created_before={WEEK_AGO + timedelta(minutes=93):%Y-%m-%dT%H:%M}"
)
QUERIES = [*(f"range={name}" for name in SPANS), "agent_name=agent-a", FROM_TO]


@pytest.mark.parametrize("query", QUERIES)
def test_figures_and_bars_count_what_their_links_list(client, listed, query):
    text = client.get(f"/?{query}", headers=BROWSER).text
    text = text.replace("&amp;", "&")
    counted = 0
    for link, state, count in re.findall(
        r'<a href="(/runs\?[^"]+)">\s*<span class="name">.*?</svg>(\w+)</span>\s*'
        r'<span class="value">([\d,]+)<',
        text,
        re.DOTALL,
    ):
        assert len(listed(link)) == int(count), (state, link)
        counted += int(count)
    bars = re.findall(
        r'<a href="(/runs\?[^"]+)" tabindex="-1">\s*<title>[^:]+[^ ]+ UTC: (\d+)', text
    )
    assert bars
    for link, count in bars:
        assert len(listed(link)) == int(count), link
    assert sum(int(count) for _, count in bars) == counted


@pytest.mark.parametrize("query", QUERIES)
def test_agents_and_failures_count_what_their_links_list(client, listed, query):
    text = client.get(f"/?{query}", headers=BROWSER).text.replace("&amp;", "&")
    agents = re.findall(
        r'<th scope="row" class="clip"><a href="(/runs\?[^"]*agent_name[^"]+)">.*?'
        r'<td class="num">([\d,]+)</td>',
        text,
        re.DOTALL,
    )
    failures = re.findall(
        r'<a class="line" href="([^"]+)">.*?<strong class="right">([\d,]+)<', text, re.DOTALL
    )
    assert agents
    assert failures or query == FROM_TO
    for link, count in agents + failures:
        assert len(listed(link)) == int(count), link


def test_failures_without_a_summary_are_one_group(client, listed):
    page = open_page(client, "/")
    assert "without an error summary 3" in page.text
    (link,) = {it for it in page.links() if "no_summary" in it}
    assert {*listed(link)} == {"no-text", "empty", "timeout"}
    assert "error without a summary" in open_page(client, link).text


@pytest.mark.parametrize("name", ["key", "older-key"])
def test_the_runs_that_failed_alike_are_those_of_the_day_around(client, listed, name):
    page = open_page(client, f"/runs/{name}")
    links = [it for it in page.links() if "error=" in it]
    assert bool(links) == (name == "key")
    for link in links:
        assert f"{len(listed(link))} runs failed like this" in page.text
        assert {*listed(link)} == {"key", "key-b", "key-timeout"}
        assert "created_before" in parse_qs(urlsplit(link).query)


def test_pages_use_the_states_of_the_api():
    assert sorted(STACK) == sorted(STATUSES)
    assert {*STATES} == {*STATUSES, "stale"}
    assert len(STATES) == len({*STATES})
