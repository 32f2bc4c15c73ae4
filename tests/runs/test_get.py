"""GET /api/v1/runs/{event_id} and its links."""

from urllib.parse import quote

import pytest

from tests.support.errors import assert_error
from tests.support.runs import full_run, minimal_run

URL = "/api/v1/runs"


def test_it_works(client):
    client.post(URL, json=full_run())
    run = client.get(f"{URL}/event-1").json
    commit = "https://github.com/owner/name/commit/0123456789abcdef0123456789abcdef01234567"
    assert run["commit_url"] == commit
    assert run["repo_url"] == "https://github.com/owner/name"
    assert client.get(f"{URL}/event-1/commit-url").json == {"commit_url": commit}
    assert client.get(f"{URL}/event-1/repo-url").json == {"repo_url": run["repo_url"]}


@pytest.mark.parametrize("event_id", ["ünïcode", "a?b#c%d&e", "日本🛰", "..x"])
def test_it_finds_any_event_id(client, event_id):
    assert client.post(URL, json=minimal_run(event_id)).status_code == 201
    assert client.get(f"{URL}/{quote(event_id, safe='')}").json["event_id"] == event_id


@pytest.mark.parametrize("path", ["", "/commit-url", "/repo-url"])
def test_an_unknown_run_is_404(client, path):
    assert_error(client.get(f"{URL}/nothing{path}"), 404, "Run not found: nothing")


def test_an_event_id_that_cannot_exist_is_404(client):
    assert_error(client.get(f"{URL}/a%00b"), 404)
    assert_error(client.patch(f"{URL}/a%00b", json={"status": "success"}), 404)
