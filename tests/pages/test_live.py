"""Pages refresh by themselves: an unchanged one is 304 after one statement."""

from contextlib import ExitStack
from random import Random

import psycopg
import pytest

from tests.support.audio_runtime import event
from tests.support.pages import BROWSER, open_page
from tests.support.runs import DRAW_NUMBER, DRAWN_NUMBER, minimal_run
from tests.support.runtime_events import minimal_event

PATHS = ["/", "/runs", "/runs/r1", "/runtime", "/devices", "/devices/tenant-1/device-1"]

# What each of several connections does with runs of its own: two can't change the same at once.
NUMBERED = f"change_number = {DRAWN_NUMBER}"
WRITES = (
    """
    INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time)
    VALUES (%(run)s, 'r', %(run)s, 'j', now())
    ON CONFLICT (event_id) DO NOTHING
    """,
    f"UPDATE agent_runs SET duration_ms = %(step)s, {NUMBERED} WHERE event_id = %(run)s",
    f"UPDATE agent_runs SET status = 'success', {NUMBERED} WHERE event_id = %(run)s",
    "DELETE FROM agent_runs WHERE event_id = %(run)s",
)


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


@pytest.fixture
def device(client):
    assert client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"}).status_code == 201


@pytest.mark.parametrize("path", PATHS)
def test_an_unchanged_page_is_304_after_one_statement(client, device, etag, path, monkeypatch):
    status, tag = etag(path)
    assert status == 200
    page = open_page(client, path)
    assert [a["data-etag"] for it, a in page.elements if it == "main"] == [tag[3:-1]]
    monkeypatch.setattr("telemetry.pages.render.page", None)
    assert etag(path, **{"If-None-Match": tag}) == (304, tag)
    response = client.get(path, headers={**BROWSER, "If-None-Match": tag})
    assert response.data == b""
    assert "Content-Security-Policy" in response.headers


def post_run(client, _):
    client.post("/api/v1/runs", json=minimal_run("r2"))


def patch_run(client, _):
    client.patch("/api/v1/runs/r1", json={"status": "success"})


def delete_run(_, db):
    db.execute("DELETE FROM agent_runs WHERE event_id = 'r0'")


def truncate_runs(_, db):
    db.execute("TRUNCATE agent_runs")


def post_event(client, _):
    client.post("/api/runtime/events", json=minimal_event())


def put_device(client, _):
    client.put("/api/v1/devices/device-2", json={"tenant_id": "tenant-1"})


def change_device(client, _):
    device = {"tenant_id": "tenant-1", "device_type": "speaker"}
    client.put("/api/v1/devices/device-1", json=device)


def append(client, _):
    assert client.post("/api/v1/audio-runtime/events", json=event()).status_code == 201


def append_elsewhere(client, _):
    client.put("/api/v1/devices/device-2", json={"tenant_id": "tenant-1"})
    sent = event(device_id="device-2")
    assert client.post("/api/v1/audio-runtime/events", json=sent).status_code == 201


def repair_projection(_, db):
    db.execute("UPDATE os_core.audio_runtime_current SET selected_mic = 'other'")


RUNS = {post_run, patch_run, delete_run, truncate_runs}
DEVICE = {change_device, append, repair_projection}
DEVICES = DEVICE | {put_device, append_elsewhere}
SHOWS = {
    "/": RUNS | DEVICES | {post_event},
    "/runs": RUNS,
    "/runs/r1": RUNS,
    "/runtime": {post_event},
    "/devices": DEVICES,
    "/devices/tenant-1/device-1": DEVICE,
}
EVERYTHING = SHOWS["/"]


@pytest.mark.parametrize("path", SHOWS)
def test_a_change_of_what_it_shows_gives_the_page_again(client, db, etag, device, path):
    client.post("/api/v1/runs", json=minimal_run("r0"))
    post_event(client, db)
    append(client, db)
    for change in sorted(EVERYTHING - {truncate_runs}, key=lambda it: it.__name__):
        _, tag = etag(path)
        change(client, db)
        status = etag(path, **{"If-None-Match": tag})[0]
        assert status == (200 if change in SHOWS[path] else 304), change.__name__


def test_emptying_the_table_of_runs_gives_the_page_again(client, db, etag):
    _, tag = etag("/runs")
    truncate_runs(client, db)
    assert etag("/runs", **{"If-None-Match": tag})[0] == 200


def test_the_rate_limit_leaves_pages_unchanged(make_app):
    client = make_app(rate_limit_enabled=True).test_client()
    client.post("/api/v1/runs", json=minimal_run("r1"))
    for path in PATHS[:-1]:
        tag = client.get(path, headers=BROWSER).headers["ETag"]
        response = client.get(path, headers={**BROWSER, "If-None-Match": tag})
        assert response.status_code == 304


@pytest.mark.faults
def test_the_overview_needs_no_events(make_app, database_url):
    """Runs and devices are shown while the database of events is away."""
    away = "postgresql://postgres@127.0.0.1:1/none"
    app = make_app(database_url=database_url, runtime_database_url=away)
    page = open_page(app.test_client(), "/")
    assert "Runtime events can't be read" in page.text
    open_page(app.test_client(), "/runs")
    open_page(app.test_client(), "/devices")
    open_page(app.test_client(), "/runtime", status=503)


def test_the_token_of_runs_changes_whatever_the_order_of_commits(default_app, database_url):
    """Transactions stay open while others commit, roll back, change and delete their runs."""
    pages = default_app(database_url).extensions["pages"].runs
    random = Random(16)
    seen = {}
    with ExitStack() as closing:
        writers = [closing.enter_context(psycopg.connect(database_url)) for _ in range(6)]
        reader = closing.enter_context(psycopg.connect(database_url, autocommit=True))
        for step in range(400):
            number = random.randrange(len(writers))
            names = {"run": f"run-{number}-{random.randrange(3)}", "step": step}
            writers[number].execute(DRAW_NUMBER)
            writers[number].execute(random.choice(WRITES), names)
            if random.random() < 0.4:
                random.choice((writers[number].commit, writers[number].rollback))()
            token = pages.token()
            runs = reader.execute(
                "SELECT event_id, status, duration_ms FROM agent_runs ORDER BY event_id"
            ).fetchall()
            assert seen.setdefault(token, runs) == runs
            # No write: no change.
            assert pages.token() == token
    assert len(seen) > 40


def test_a_transaction_that_commits_late_changes_it(client, etag, database_url, db):
    db.execute("BEGIN")
    db.execute(
        "INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time, created_at)"
        " VALUES ('late', 'r', 'a', 'j', now(), now() - interval '1 minute')"
    )
    client.post("/api/v1/runs", json=minimal_run("r2"))
    for path in ("/", "/runs"):
        _, tag = etag(path)
        assert etag(path, **{"If-None-Match": tag}) == (304, tag)
    tags = {path: etag(path)[1] for path in ("/", "/runs")}
    db.execute("COMMIT")
    for path, tag in tags.items():
        assert etag(path, **{"If-None-Match": tag})[0] == 200


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
