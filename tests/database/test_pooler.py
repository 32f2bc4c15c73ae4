"""Behind a transaction pooler: it works without a session, and is refused with one."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry.health import store as health
from tests.support.audio_runtime import event
from tests.support.errors import assert_error, assert_unavailable
from tests.support.pooler import Pooler
from tests.support.runs import minimal_run
from tests.support.runtime_events import URL as EVENTS_URL
from tests.support.runtime_events import full_event
from tests.support.waiting import wait_until_ready

URL = "/api/v1/runs"
VARIABLE = "TELEMETRY_DB_PREPARED_STATEMENTS=false"


@pytest.fixture
def open_pooler(database_url):
    opened = []

    def open_one(**settings):
        opened.append(Pooler(database_url, **settings))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def make_client(make_app, open_pooler):
    def make(*, prepared=True, **settings):
        url = open_pooler(**settings).url
        app = make_app(database_url=url, db_prepared_statements=prepared, db_pool_size=2)
        return app.test_client()

    return make


@pytest.mark.faults
@pytest.mark.parametrize("refuses", [True, False])
def test_a_pooler_without_sessions_is_refused_by_name(make_client, refuses, db, caplog):
    caplog.set_level("WARNING", "psycopg.pool")
    client = make_client(refuses_options=refuses)
    response = client.post(URL, json=minimal_run())
    assert VARIABLE in assert_unavailable(response)
    assert response.headers["Retry-After"] == "60"
    connecting = [it for it in caplog.messages if "error connecting" in it]
    assert connecting
    assert all(VARIABLE in message and "\n" not in message for message in connecting)
    assert db.execute("SELECT count(*) AS n FROM agent_runs").fetchone() == {"n": 0}


@pytest.mark.faults
@pytest.mark.parametrize("refuses", [True, False])
def test_readiness_is_refused_too(make_client, refuses):
    response = make_client(refuses_options=refuses).get("/api/ready")
    assert response.status_code == 503
    detail = response.json["detail"]
    assert detail["error"] == "database_unreachable"
    assert VARIABLE in detail["failures"][0]


@pytest.mark.long
@pytest.mark.parametrize("refuses", [True, False])
def test_it_works_without_prepared_statements(make_client, refuses, db, monkeypatch):
    monkeypatch.setattr(health, "FRESH_SECONDS", 0)
    client = make_client(prepared=False, refuses_options=refuses)
    app = client.application
    # The first probe reads every definition, on a slow machine for longer than it may.
    wait_until_ready(client)
    assert client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"}).status_code == 201

    def post(number):
        posted = app.test_client()
        run = posted.post(URL, json=minimal_run(f"run-{number}"))
        batch = posted.post(f"{URL}/batch", json=[minimal_run(f"batch-{number}")])
        stored = posted.post(EVENTS_URL, json=full_event(id=f"event-{number}"))
        appended = posted.post("/api/v1/audio-runtime/events", json=event())
        read = posted.get(f"{URL}/run-{number}")
        return [it.status_code for it in (run, batch, stored, appended, read)]

    with ThreadPoolExecutor(4) as clients:
        statuses = [*clients.map(post, range(25))]
    assert statuses == [[201, 200, 201, 201, 200]] * 25
    assert db.execute("SELECT count(*) AS n FROM agent_runs").fetchone() == {"n": 50}
    assert client.get("/api/ready").status_code == 200


def test_a_prepared_statement_that_is_lost_is_named(make_app, database_url, db):
    client = make_app(db_pool_size=1).test_client()
    for number in range(8):
        assert client.post(URL, json=minimal_run(f"run-{number}")).status_code == 201
    pool = client.application.extensions["databases"][0]
    # Not by execute, which would see it.
    pool.transact(lambda connection: connection.pgconn.exec_(b"DEALLOCATE ALL"))
    detail = assert_error(client.post(URL, json=minimal_run("late")), 503)
    assert VARIABLE in detail
