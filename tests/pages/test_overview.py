"""The overview shows what is in the database."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from tests.support.pages import BROWSER, HOSTILE, open_page
from tests.support.runs import full_run, minimal_run
from tests.support.runtime_events import minimal_event


def at(**ago):
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


@pytest.fixture
def runs(client):
    records = [
        minimal_run("s1", status="success", duration_ms=1200, created_at=at(minutes=5)),
        minimal_run("s2", status="success", duration_ms=800, created_at=at(hours=3)),
        minimal_run("f1", status="failure", error_summary="KeyError", created_at=at(hours=2)),
        minimal_run("f2", status="failure", error_summary="KeyError", created_at=at(hours=1)),
        minimal_run("t1", status="timeout", created_at=at(hours=30)),
        minimal_run("r1", agent_name="agent-b", environment="prod", created_at=at(minutes=1)),
    ]
    assert client.post("/api/v1/runs/batch", json=records).json["inserted"] == len(records)


def test_an_empty_overview_says_what_to_do_next(client):
    page = open_page(client, "/")
    assert "curl -X POST http://localhost/api/v1/runs" in page.text
    assert "curl -X POST http://localhost/api/runtime/events" in page.text


def test_it_counts_runs_by_state_with_the_change_from_the_day_before(client, runs):
    text = open_page(client, "/").text
    assert "Success 2 +2 since yesterday" in text
    assert "Failure 2 +2 since yesterday" in text
    assert "Timeout 0 −1 since yesterday" in text
    assert "Running 1 longest" in text


def test_a_run_about_which_nothing_was_received_is_stale(make_app, db, runs):
    db.execute("UPDATE agent_runs SET updated_at = now() - interval '3 minutes'")
    client = make_app(stale_after=timedelta(minutes=2)).test_client()
    assert "Stale 1 agent-b" in open_page(client, "/").text
    client = make_app(stale_after=timedelta(minutes=4)).test_client()
    assert "Stale 0 none" in open_page(client, "/").text


def test_it_adds_up_agents(client, runs):
    text = open_page(client, "/").text
    assert "agent-a crawl" in text
    assert "4 50.0 % 800 ms 1.2 s" in text


def test_it_groups_failures_and_links_to_the_latest(client, runs):
    page = open_page(client, "/")
    assert "KeyError 2" in page.text
    assert "/runs/f2" in page.links()


def test_the_window_the_agent_and_the_environment_are_in_the_address(client, runs):
    assert "Failure 0" in open_page(client, "/?range=1h&agent_name=agent-b").text
    assert "Running 1" in open_page(client, "/?environment=prod").text
    assert "Success 0" in open_page(client, "/?environment=prod").text
    page = open_page(
        client, f"/?created_after={at(hours=31)[:19]}&created_before={at(hours=29)[:19]}"
    )
    assert "Timeout 1" in page.text


@pytest.mark.parametrize("name", ["1h", "24h", "7d", "30d"])
def test_every_range_opens(client, runs, name):
    assert "Runs over time" in open_page(client, f"/?range={name}").text


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("created_after=yesterday", "Must be a date or an ISO 8601 timestamp"),
        ("created_after=2026-02-01&created_before=2026-01-01", "Must be later than the start"),
        ("agents=some", "Must be one of: all"),
        ("range=2h", "Must be one of: 1h, 24h, 7d, 30d"),
        ("agnet=a", "agnet : Unknown parameter"),
    ],
)
def test_a_filter_that_makes_no_sense_has_a_message_at_its_field(client, query, message):
    page = open_page(client, f"/?{query}", status=422)
    assert message in page.text


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("created_after=1000-01-01", "created_after", "Must be 1970-01-01 or later"),
        ("created_after=0001-01-01", "created_after", "Must be 1970-01-01 or later"),
        ("created_before=0001-01-01T00:00:00", "created_before", "Must be 1970-01-01 or later"),
        ("created_after=9999-12-31T23:59:59", "created_after", "Must be in the past"),
    ],
)
def test_a_time_that_no_window_has_is_wrong_at_its_own_field(client, query, field, message):
    page = open_page(client, f"/?{query}", status=422)
    (shown,) = [it for tag, it in page.elements if "message" in (it.get("class") or "")]
    assert shown["id"] == f"error-{field}"
    assert message in page.text


@pytest.mark.parametrize(
    "query", ["created_after=1970-01-01", "created_before=1970-01-01", "created_before=9999-12-31"]
)
def test_a_window_at_the_ends_of_time_opens(client, runs, query):
    open_page(client, f"/?{query}")


@pytest.mark.parametrize("more", ["", "&environment=prod"])
def test_agents_that_fail_come_first_and_all_can_be_listed(client, more):
    records = [
        minimal_run(
            f"{agent}-{run}",
            agent_name=f"agent-{agent:03}",
            status="failure" if agent == 202 and run == 0 else "success",
            created_at=at(minutes=agent),
            environment="prod",
        )
        for agent in range(203)
        for run in range(1 if agent > 200 else 2)
    ]
    assert client.post("/api/v1/runs/batch", json=records).json["inserted"] == len(records)
    page = open_page(client, f"/?range=24h{more}")
    assert "20 of 203 agents: those below 90 % first" in page.text
    shown = [it for it in page.links() if "agent_name=agent-" in it]
    assert "agent-202" in shown[0]
    assert len(shown) == 20
    (every,) = [it for it in page.links() if "agents=all" in it]
    response = client.get(every, headers={**BROWSER, "Accept-Encoding": "gzip"})
    assert len(response.data) < 150_000
    page = open_page(client, every)
    assert len([it for it in page.links() if "agent_name=agent-" in it]) == 200
    assert "200 of 203 agents" in page.text
    assert not any("agents=all" in it for it in page.links() if it.startswith("/?agents"))


def test_without_a_device_it_says_how_to_create_one(client):
    assert "There is no device yet" in open_page(client, "/").text
    client.put("/api/v1/devices/d", json={"tenant_id": "t"})
    assert "No device needs attention" in open_page(client, "/").text


@pytest.mark.parametrize("name", ["👩\u200d💻", "می\u200cپرس", "a\u202eb", "a\u200bb", '"<&'])
def test_a_field_of_a_form_holds_what_was_sent(client, name):
    client.post("/api/v1/runs", json=minimal_run(agent_name=name, created_at=at(minutes=1)))
    for path in ("/", "/runs"):
        query = urlencode({"agent_name": name})
        page = open_page(client, f"{path}?{query}")
        values = [it["value"] for tag, it in page.elements if it.get("name") == "agent_name"]
        assert values == [name]
    options = [it["value"] for tag, it in open_page(client, "/").elements if tag == "option"]
    assert options == [name]


def test_emoji_and_scripts_stay_whole(client):
    for name in ("👩\u200d💻", "می\u200cپرس"):
        client.post("/api/v1/runs", json=minimal_run(name[0], agent_name=name))
        assert name in open_page(client, "/runs").text


def test_endpoints_with_errors_come_first(client):
    for endpoint, status in (("/api/good", 200), ("/api/bad", 500)):
        event = minimal_event(endpoint=endpoint, status_code=status, runtime_ms=12)
        assert client.post("/api/runtime/events", json=event).status_code == 201
    assert "/api/bad 1 100 % 12 ms 12 ms /api/good 1 0 %" in open_page(client, "/").text


def test_what_agents_posted_is_only_text(client):
    for number, text in enumerate(HOSTILE):
        name = text[:255].strip()
        record = {
            field: text
            for field, value in full_run().items()
            if isinstance(value, str)
            and field not in ("status", "git_commit_source")
            and "time" not in field
            and not field.endswith("_at")
        }
        names = {
            "event_id": f"event-{number}",
            "run_id": name,
            "agent_name": name,
            "job_type": name,
        }
        sent = {**full_run(), **record, **names, "created_at": at(minutes=5), "status": "failure"}
        response = client.post("/api/v1/runs", json=sent)
        assert response.status_code == 201, response.text
    page = open_page(client, "/")
    assert "<script>alert(1)</script>" in page.text
    assert "[U+202E]gnp.exe" in page.text
    assert "{{ 7 * 7 }}" in page.text
    open_page(client, "/?agent_name=%22%3E%3Cscript%3E&environment=%27%3E")


def test_a_client_that_accepts_only_json_gets_an_index(client):
    response = client.get("/", headers={"Accept": "application/json"})
    assert response.headers["Content-Type"] == "application/json"
    assert "/api/v1/runs" in response.json["paths"]
    assert client.get("/").headers["Content-Type"].startswith("text/html")
