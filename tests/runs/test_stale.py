"""A running run about which nothing was received for some time is stale, wherever it is read."""

from datetime import timedelta

import pytest

from tests.support.errors import assert_problems
from tests.support.runs import minimal_run

URL = "/api/v1/runs"
FEED = "/api/v1/feed/runs"

# By event_id: the status, and how long ago something was received.
RUNS = {
    "silent": ("running", "2 hours"),
    "active": ("running", "50 minutes"),
    "ended": ("success", "2 hours"),
}


@pytest.fixture
def client(make_app, db):
    """A client of a service that calls runs stale after an hour, over the three runs."""
    client = make_app(stale_after=timedelta(hours=1)).test_client()
    for event_id, (status, age) in RUNS.items():
        run = minimal_run(event_id, status=status)
        assert client.post(URL, json=run).status_code == 201
        db.execute(
            "UPDATE agent_runs SET updated_at = now() - %s::interval WHERE event_id = %s",
            [age, event_id],
        )
    return client


def stale(runs):
    return {run["event_id"] for run in runs if run["stale"]}


def test_every_read_says_whether_a_run_is_stale(client):
    assert stale(client.get(f"{URL}/{name}").json for name in RUNS) == {"silent"}
    assert stale(client.get(URL).json) == {"silent"}
    assert stale(client.get(FEED).json["items"]) == {"silent"}


def test_a_run_from_before_the_feed_is_stale_too(client, db):
    db.execute("ALTER TABLE agent_runs DISABLE TRIGGER USER")
    db.execute("UPDATE agent_runs SET change_number = 0")
    assert stale(client.get(FEED).json["items"]) == {"silent"}


@pytest.mark.parametrize(
    ("value", "found"), [("true", {"silent"}), ("1", {"silent"}), ("false", {"active", "ended"})]
)
def test_the_list_filters_by_stale(client, value, found):
    assert {run["event_id"] for run in client.get(f"{URL}?stale={value}").json} == found


def test_the_filter_and_another_status_find_nothing(client):
    assert client.get(f"{URL}?stale=true&status=success").json == []


def test_a_bad_filter_is_422(client):
    response = client.get(f"{URL}?stale=maybe")
    assert_problems(response, {"stale": "bool_parsing"}, start=("query",))


def test_a_run_that_is_heard_of_again_is_not_stale(client):
    assert client.patch(f"{URL}/silent", json={"items_failed": 1}).status_code == 200
    assert client.get(f"{URL}/silent").json["stale"] is False


def test_the_time_is_configured(make_app, client):
    patient = make_app(stale_after=timedelta(hours=3)).test_client()
    assert stale(patient.get(URL).json) == set()
