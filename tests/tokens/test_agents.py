"""A token that is bound to agents has to do with their runs only."""

import pytest

from telemetry.database.connection import connect
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.values import Keyed, as_json
from telemetry.runs.writes import Existing, settle
from tests.support.errors import assert_error
from tests.support.runs import minimal_run
from tests.tokens.conftest import ENVIRONMENT

RUNS = "/api/v1/runs"


@pytest.fixture
def bound(create):
    return create("of-a", "runs:read", "runs:write", agent="agent-a")


@pytest.fixture
def filled(as_token):
    """A run of agent-a, and a running one and an ended one of agent-b."""
    for run in (
        minimal_run("of-a"),
        minimal_run("of-b", agent_name="agent-b", git_repo="https://github.com/b/b"),
        minimal_run("ended", agent_name="agent-b", status="failure", error_summary="secret"),
    ):
        assert as_token(ENVIRONMENT, "POST", RUNS, json=run).status_code == 201


def stored(db):
    return db.execute("SELECT * FROM agent_runs ORDER BY event_id").fetchall()


def test_its_own_runs(filled, bound, as_token):
    assert as_token(bound, "POST", RUNS, json=minimal_run("new")).status_code == 201
    ended = minimal_run("new", status="success")
    assert as_token(bound, "POST", RUNS, json=ended).json["status"] == "completed"
    assert as_token(bound, "POST", RUNS, json=ended).json["status"] == "duplicate"
    assert as_token(bound, "GET", f"{RUNS}/of-a").status_code == 200
    assert as_token(bound, "PATCH", f"{RUNS}/of-a", json={"duration_ms": 1}).status_code == 200
    commit = {"commit_hash": "0123456", "commit_source": "ci"}
    assert as_token(bound, "POST", f"{RUNS}/of-a/associate-commit", json=commit).status_code == 200


def test_a_run_that_was_deleted_meanwhile_is_not_one_of_another_agent(database_url):
    record = Keyed("gone", as_json(minimal_run("gone")))
    gone = pytest.raises(DatabaseUnavailable, match="'gone' was deleted during the request")
    with connect(database_url) as connection, gone:
        settle(connection, [Existing("gone", None, [record])], agents=["agent-a"])


def test_a_run_of_another_agent_is_refused(bound, as_token, db):
    response = as_token(bound, "POST", RUNS, json=minimal_run(agent_name="agent-b"))
    assert_error(response, 403, "The token is not bound to agent agent-b")
    assert stored(db) == []


@pytest.mark.parametrize("event_id", ["of-b", "ended"])
@pytest.mark.parametrize("status", ["running", "success"])
def test_an_event_id_of_another_agent_says_and_changes_nothing(
    filled, bound, as_token, db, event_id, status
):
    before = stored(db)
    sent = minimal_run(event_id, status=status, error_summary="secret")
    response = as_token(bound, "POST", RUNS, json=sent)
    detail = f"The run belongs to an agent that the token is not bound to: {event_id}"
    assert_error(response, 403, detail)
    batch = as_token(bound, "POST", f"{RUNS}/batch", json=[minimal_run("new"), sent, sent])
    assert batch.status_code == 200
    assert (batch.json["inserted"], batch.json["duplicates"], batch.json["completed"]) == (1, 0, 0)
    assert [(it["index"], it["event_id"]) for it in batch.json["errors"]] == [
        (1, event_id),
        (2, event_id),
    ]
    assert "duplicate_differs" not in batch.json
    assert [row for row in stored(db) if row["event_id"] != "new"] == before


def test_a_batch_refuses_records_of_other_agents(filled, bound, as_token, db):
    mixed = [minimal_run("one"), minimal_run("two", agent_name="agent-b"), minimal_run("of-a")]
    response = as_token(bound, "POST", f"{RUNS}/batch", json=mixed)
    assert (response.json["inserted"], response.json["duplicates"]) == (1, 1)
    (error,) = response.json["errors"]
    assert (error["index"], error["event_id"]) == (1, "two")
    assert error["detail"][0]["loc"] == ["body", 1, "agent_name"]
    none = as_token(bound, "POST", f"{RUNS}/batch", json=mixed[1:2])
    assert none.status_code == 422
    assert "two" not in [row["event_id"] for row in stored(db)]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("HEAD", "", None),
        ("GET", "/commit-url", None),
        ("GET", "/repo-url", None),
        ("PATCH", "", {"status": "running"}),
        ("PATCH", "", {"status": "running", "reopen": True}),
        ("PATCH", "", {"error_summary": "mine"}),
        ("POST", "/associate-commit", {"commit_hash": "0123456", "commit_source": "ci"}),
    ],
)
def test_a_run_of_another_agent_is_like_an_unknown_one(
    filled, bound, as_token, db, method, path, body
):
    for event_id in ("of-b", "ended"):
        assert_unknown(bound, as_token, db, method, path, body, event_id)


def assert_unknown(bound, as_token, db, method, path, body, event_id):
    before = stored(db)
    other, unknown, really = (
        as_token(text, method, f"{RUNS}/{name}{path}", json=body)
        for text, name in [(bound, event_id), (bound, "none"), (ENVIRONMENT, "none")]
    )
    assert other.status_code == unknown.status_code == really.status_code == 404
    text = other.data.replace(event_id.encode(), b"none")
    assert text == unknown.data == really.data
    assert stored(db) == before


def test_lists_are_of_its_agents(filled, bound, create, as_token):
    listed = as_token(bound, "GET", RUNS)
    assert [run["event_id"] for run in listed.json] == ["of-a"]
    assert as_token(bound, "GET", f"{RUNS}?agent_name=agent-a").json == listed.json
    detail = "The list needs an agent_name that the token is bound to"
    assert_error(as_token(bound, "GET", f"{RUNS}?agent_name=agent-b"), 403, detail)
    two = create("of-two", "runs:read", agent=["agent-a", "agent-c"])
    assert_error(as_token(two, "GET", RUNS), 403, detail)
    assert as_token(two, "GET", f"{RUNS}?agent_name=agent-a").json == listed.json


def test_a_list_of_one_agent_has_a_next_page(bound, as_token):
    for name in ("one", "two", "three"):
        as_token(bound, "POST", RUNS, json=minimal_run(name))
    found, path = [], f"{RUNS}?limit=1"
    while path:
        page = as_token(bound, "GET", path)
        found += [run["event_id"] for run in page.json]
        link = page.headers.get("Link")
        path = link and link.partition(">")[0].removeprefix("<")
    assert sorted(found) == ["one", "three", "two"]


@pytest.mark.parametrize("path", ["/api/v1/metadata", "/api/v1/feed/runs", "/metrics"])
def test_what_shows_every_agent_is_closed(bound, as_token, path):
    response = as_token(bound, "GET", path)
    assert_error(response, 403, "This shows every agent, and the token is bound to some")
