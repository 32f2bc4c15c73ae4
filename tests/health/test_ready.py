"""GET /api/ready."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from telemetry import __version__
from telemetry.health import store
from telemetry.migrations.files import known_migrations
from tests.support.errors import assert_error
from tests.support.waiting import locks_awaited, wait_until

URL = "/api/ready"
PROCESS = {"timestamp", "started_at", "uptime_human", "deployed_sha"}
UNREACHABLE = "postgresql://nobody@127.0.0.1:1/nowhere"


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/nowhere"


@pytest.fixture
def client(make_app):
    """A client of an application of its own, since a result is kept for a second."""
    return make_app().test_client()


def assert_not_ready(response, error, *, db_connected, backend="postgresql", role=None):
    """Assert a 503 with this ``error``; return the failures that it names."""
    process = {name: response.json[name] for name in PROCESS}
    known = {"db_connected": db_connected, "backend": backend, "role": role}
    detail = assert_error(response, 503, **known, **process)
    assert detail.keys() == {"error", "failures"}
    assert detail["error"] == error
    assert detail["failures"]
    return detail["failures"]


def test_it_works(client):
    response = client.get(URL)
    assert response.status_code == 200
    assert {name: value for name, value in response.json.items() if name not in PROCESS} == {
        "status": "ready",
        "version": __version__,
        "db_connected": True,
        "backend": "postgresql",
        "role": "restricted",
    }


def test_it_works_on_a_file(make_app, tmp_path):
    client = make_app(database_url=None, runtime_events_path=tmp_path / "events").test_client()
    response = client.get(URL)
    assert response.status_code == 200
    assert (response.json["backend"], response.json["db_connected"]) == ("json_file", False)


def test_with_nothing_configured_it_is_not_ready(make_app):
    response = make_app(database_url=None).test_client().get(URL)
    failures = assert_not_ready(
        response, "persistence_contract_failed", db_connected=False, backend="none"
    )
    assert "runtime_events_not_postgresql" in failures


def test_a_file_where_a_database_is_required_is_not_ready(make_app, tmp_path):
    app = make_app(
        database_url=None,
        runtime_events_path=tmp_path / "events",
        persistence_contract_required="true",
    )
    assert_not_ready(
        app.test_client().get(URL),
        "persistence_contract_failed",
        db_connected=False,
        backend="json_file",
    )


def test_an_unreachable_database_is_not_ready(make_app):
    response = make_app(database_url=UNREACHABLE).test_client().get(URL)
    assert_not_ready(response, "database_unreachable", db_connected=False)


def test_a_database_with_pending_migrations_is_not_ready(make_app, empty_database_url):
    response = make_app(database_url=empty_database_url).test_client().get(URL)
    [failure] = assert_not_ready(
        response, "migrations_pending", db_connected=True, role="restricted"
    )
    assert f"{len(known_migrations())} migration(s)" in failure


@contextmanager
def renamed(db, migration, name):
    """Record the migration under another name in the database, for a while."""
    rename = "UPDATE _yoyo_migration SET migration_id = %s WHERE migration_id = %s"
    assert db.execute(rename, [name, migration]).rowcount == 1
    try:
        yield
    finally:
        db.execute(rename, [migration, name])


def test_a_newer_schema_is_ready(client, db):
    insert = "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('x', '9999_newer')"
    db.execute(insert)
    assert client.get(URL).status_code == 200
    db.execute("DELETE FROM _yoyo_migration WHERE migration_hash = 'x'")


def test_the_missing_migration_is_named(client, db):
    last = known_migrations()[-1]
    with renamed(db, last, "another"):
        response = client.get(URL)
    [failure] = assert_not_ready(
        response, "migrations_pending", db_connected=True, role="restricted"
    )
    assert f"1 migration(s) pending: {last}" in failure


@pytest.mark.parametrize("which", ["database_url", "runtime_database_url"])
def test_both_databases_are_checked(make_app, database_url, which):
    urls = {"database_url": database_url, "runtime_database_url": database_url, which: UNREACHABLE}
    response = make_app(**urls).test_client().get(URL)
    [failure] = assert_not_ready(
        response, "database_unreachable", db_connected=False, role="restricted"
    )
    assert ("runtime_events" in failure) == (which == "runtime_database_url")


def test_it_responds_within_3_s_when_both_databases_hang(make_app):
    with silent_server() as one, silent_server() as other:
        client = make_app(database_url=one, runtime_database_url=other).test_client()
        with ThreadPoolExecutor(1) as pool:
            response = pool.submit(client.get, URL).result(timeout=3)
    failures = assert_not_ready(response, "database_unreachable", db_connected=False)
    assert len(failures) == 2


def test_many_pollers_share_one_probe(make_app):
    with silent_server() as url:
        app = make_app(database_url=url)
        with ThreadPoolExecutor(30) as pool:
            responses = [*pool.map(lambda _: app.test_client().get(URL), range(30))]
            probing = [it for it in threading.enumerate() if it.name == "readiness"]
    for response in responses:
        assert_not_ready(response, "database_unreachable", db_connected=False)
    assert len(probing) <= 1


def test_it_reconnects_after_its_connection_was_cut(client, db, monkeypatch):
    assert client.get(URL).status_code == 200
    # With a time limit, it returns once the process has ended, and its socket is closed.
    cut = """
        SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    """
    assert db.execute(cut).fetchall()
    monkeypatch.setattr(store, "FRESH_SECONDS", 0)
    assert client.get(URL).status_code == 200


def test_it_needs_no_connection_of_the_pool(make_app, database_url, db):
    app = make_app(db_pool_size=1)
    client = app.test_client()
    event = {"source": "api", "endpoint": "/", "runtime_ms": 1}
    db.execute("BEGIN; LOCK TABLE runtime_events")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(app.test_client().post, "/api/runtime/events", json=event)
        with psycopg.connect(database_url, autocommit=True) as other:
            wait_until(lambda: locks_awaited(other) > 0)
        assert client.get(URL).status_code == 200
        db.execute("COMMIT")
        assert waiting.result().status_code == 201
