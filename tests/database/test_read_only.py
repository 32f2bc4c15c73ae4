"""A database that takes no writes for a while: named, and used again as soon as it takes them."""

import psycopg
import pytest

from telemetry.health import store as health
from tests.support.audio_runtime import event
from tests.support.errors import assert_unavailable
from tests.support.runs import minimal_run
from tests.support.runtime_events import full_event
from tests.support.server import Standby, folder

RUNS = "/api/v1/runs"
READY = "/api/ready"
WRITES = [
    ("POST", RUNS, minimal_run("new")),
    ("POST", f"{RUNS}/batch", [minimal_run("new")]),
    ("PATCH", f"{RUNS}/event-1", {"status": "success"}),
    ("POST", "/api/runtime/events", full_event()),
    ("POST", "/api/runtime/events/batch", [full_event()]),
    ("PUT", "/api/v1/devices/device-2", {"tenant_id": "tenant-1"}),
    ("POST", "/api/v1/audio-runtime/events", event()),
    ("POST", "/api/v1/audio-runtime/events/batch", [event()]),
]
READS = [
    RUNS,
    f"{RUNS}/event-1",
    "/api/v1/metadata",
    "/metrics",
    "/api/runtime/events",
    "/api/runtime/endpoints/summary",
    "/api/runtime/change-token",
    "/api/v1/audio-runtime/events?tenant_id=tenant-1",
    "/api/v1/audio-runtime/current?tenant_id=tenant-1",
    "/api/v1/audio-runtime/heads?tenant_id=tenant-1",
    "/api/v1/audit/events?tenant_id=tenant-1",
]


@pytest.fixture(autouse=True)
def no_result_is_kept(monkeypatch):
    monkeypatch.setattr(health, "FRESH_SECONDS", 0)


@pytest.fixture
def read_only(db, client):
    """Switches new connections to the database to read-only, and back."""
    name = psycopg.sql.Identifier(db.info.dbname)
    statement = "ALTER DATABASE {} SET default_transaction_read_only = {}"

    def switch(setting):
        db.execute(psycopg.sql.SQL(statement).format(name, psycopg.sql.SQL(setting)))

    fill(client)
    switch("on")
    yield switch
    switch("off")


def fill(client):
    """Write what the requests above read and change."""
    device = {"tenant_id": "tenant-1"}
    assert client.post(RUNS, json=minimal_run()).status_code == 201
    assert client.put("/api/v1/devices/device-1", json=device).status_code == 201


def assert_read_only(client):
    """Assert that every write is refused by name, every read works, and readiness says why."""
    for method, url, body in WRITES:
        assert "read-only" in assert_unavailable(client.open(url, method=method, json=body))
    assert {url: client.get(url).status_code for url in READS} == dict.fromkeys(READS, 200)
    response = client.get(READY)
    assert response.status_code == 503
    assert response.json["db_connected"] is True
    assert response.json["detail"]["error"] == "database_read_only"


def test_a_read_only_database_is_named(make_app, read_only):
    assert_read_only(make_app().test_client())


@pytest.mark.parametrize("size", [1, 3])
def test_a_write_succeeds_as_soon_as_the_database_takes_writes(make_app, read_only, size):
    client = make_app(db_pool_size=size).test_client()
    for number in range(size):
        assert_unavailable(client.post(RUNS, json=minimal_run(f"refused-{number}")))
    read_only("off")
    for method, url, body in WRITES:
        response = client.open(url, method=method, json=body)
        assert response.status_code in (200, 201), response.text
    assert client.get(READY).status_code == 200


def test_readiness_returns_without_a_write(make_app, read_only):
    client = make_app().test_client()
    assert client.get(READY).json["detail"]["error"] == "database_read_only"
    read_only("off")
    assert client.get(READY).status_code == 200
    assert client.post(RUNS, json=minimal_run("new")).status_code == 201


def test_a_refused_write_renews_the_connections_once(make_app, read_only, db):
    client = make_app(db_pool_size=1).test_client()
    before = sessions(db)
    for number in range(8):
        assert_unavailable(client.post(RUNS, json=minimal_run(f"refused-{number}")))
    assert sessions(db) - before <= 1 + 8  # one at first, then one for each write


def sessions(db):
    """Return how many sessions the database has had."""
    db.execute("SELECT pg_stat_clear_snapshot()")
    query = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
    return db.execute(query).fetchone()["sessions"]


@pytest.fixture
def standby(server, client_of):
    """A hot standby of a database that holds something."""
    primary = client_of(server.url)
    fill(primary)
    assert primary.post("/api/v1/audio-runtime/events", json=event()).status_code == 201
    server.stop()
    with folder() as parent:
        standby = Standby(server.data, parent / "data")
        yield standby
        standby.stop()


@pytest.fixture
def client_of(make_app):
    def make(url, **settings):
        return make_app(database_url=url, db_pool_size=2, **settings).test_client()

    return make


@pytest.mark.faults
@pytest.mark.parametrize("limited", [True, False])
def test_a_hot_standby_is_read_until_it_is_promoted(standby, client_of, limited):
    client = client_of(standby.url, rate_limit_enabled=limited, rate_limit_rpm=1000)
    assert_read_only(client)
    standby.promote()
    for method, url, body in WRITES:
        response = client.open(url, method=method, json=body)
        assert response.status_code in (200, 201), response.text
    assert client.get(READY).status_code == 200
    if limited:
        assert "X-RateLimit-Remaining" in client.get(RUNS).headers


@pytest.mark.faults
def test_no_host_that_takes_writes_is_named(standby, client_of):
    client = client_of(f"{standby.url}&target_session_attrs=read-write")
    assert "read-only" in assert_unavailable(client.post(RUNS, json=minimal_run("new")))
    assert client.get(READY).json["detail"]["error"] == "database_read_only"
