"""Pages refresh by themselves: an unchanged one is 304 after one statement."""

import pytest

from tests.support.pages import BROWSER, open_page
from tests.support.runs import minimal_run

PATHS = ["/", "/runs", "/runs/r1", "/runtime", "/devices"]


@pytest.fixture
def etag(client, monkeypatch):
    """Return the ETag of a page; the clock stands still."""
    monkeypatch.setattr("telemetry.pages.live.time", lambda: 1_800_000_000.0)

    def read(path, **headers):
        response = client.get(path, headers={**BROWSER, **headers})
        return response.status_code, response.headers.get("ETag")

    return read


@pytest.fixture(autouse=True)
def run(client):
    client.post("/api/v1/runs", json=minimal_run("r1"))


@pytest.mark.parametrize("path", PATHS)
def test_an_unchanged_page_is_304_after_one_statement(client, etag, path, monkeypatch):
    status, tag = etag(path)
    assert status == 200
    page = open_page(client, path)
    assert [a["data-etag"] for it, a in page.elements if it == "main"] == [tag[3:-1]]
    monkeypatch.setattr("telemetry.pages.render.page", None)
    assert etag(path, **{"If-None-Match": tag}) == (304, tag)
    response = client.get(path, headers={**BROWSER, "If-None-Match": tag})
    assert response.data == b""
    assert "Content-Security-Policy" in response.headers


@pytest.mark.parametrize("path", PATHS)
def test_every_change_gives_the_page_again(client, etag, path):
    def changed(before):
        status, after = etag(path, **{"If-None-Match": before})
        assert status == 200
        assert after != before
        return after

    _, tag = etag(path)
    client.post("/api/v1/runs", json=minimal_run("r2"))
    tag = changed(tag)
    client.patch("/api/v1/runs/r1", json={"status": "success"})
    tag = changed(tag)
    event = {"source": "api", "endpoint": "/a", "runtime_ms": 1}
    client.post("/api/runtime/events", json=event)
    tag = changed(tag)
    client.put("/api/v1/devices/d", json={"tenant_id": "t"})
    changed(tag)


def test_a_transaction_that_commits_late_changes_it(client, etag, database_url, db):
    db.execute("BEGIN")
    db.execute(
        "INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time, created_at)"
        " VALUES ('late', 'r', 'a', 'j', now(), now() - interval '1 minute')"
    )
    client.post("/api/v1/runs", json=minimal_run("r2"))
    _, tag = etag("/")
    assert etag("/", **{"If-None-Match": tag}) == (304, tag)
    db.execute("COMMIT")
    assert etag("/", **{"If-None-Match": tag})[0] == 200


def test_the_clock_alone_changes_it_once_a_minute(etag, monkeypatch):
    _, tag = etag("/")
    monkeypatch.setattr("telemetry.pages.live.time", lambda: 1_800_000_060.0)
    assert etag("/", **{"If-None-Match": tag})[0] == 200


def test_an_address_has_its_own_tag(etag):
    assert (
        len({etag(path)[1] for path in ("/", "/?range=1h", "/runs", "/runs?status=failure")}) == 4
    )


def test_an_error_has_no_tag(etag):
    assert etag("/runs/nothing") == (404, None)
    assert etag("/?range=2h") == (422, None)


@pytest.mark.parametrize(("path", "status"), [("/runs/nothing", 404), ("/?range=2h", 422)])
def test_an_error_does_not_refresh(client, path, status):
    page = open_page(client, path, status)
    assert not any("data-etag" in attributes for _, attributes in page.elements)


def test_the_result_of_a_check_does_not_refresh(client):
    client.put("/api/v1/devices/d", json={"tenant_id": "t"})
    response = client.post("/devices/t/d/verify", headers={**BROWSER, "Origin": "http://localhost"})
    assert "data-etag" not in response.text
