"""GET /api/ready."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from telemetry import __version__
from telemetry.migrations.files import known_migrations
from tests.support.waiting import locks_awaited, wait_until

URL = "/api/ready"
UNREACHABLE = "postgresql://nobody@127.0.0.1:1/nowhere"


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/nowhere"


@pytest.fixture
def client(make_app):
    """A client of an application of its own: what it finds out is its answer for a second."""
    return make_app().test_client()


def refusal(answer):
    assert answer.status_code == 503
    return answer.json["detail"]["error"]


def test_it_works(client):
    answer = client.get(URL)
    assert answer.status_code == 200
    assert answer.json == {
        "status": "ready",
        "version": __version__,
        "db_connected": True,
        "backend": "postgresql",
    }


def test_it_works_over_a_file(make_app, tmp_path):
    client = make_app(database_url=None, runtime_events_path=tmp_path / "events").test_client()
    answer = client.get(URL)
    assert answer.status_code == 200
    assert (answer.json["backend"], answer.json["db_connected"]) == ("json_file", False)


def test_it_is_not_ready_with_nothing_configured(make_app):
    answer = make_app(database_url=None).test_client().get(URL)
    assert refusal(answer) == "persistence_contract_failed"
    assert "runtime_events_not_postgresql" in answer.json["detail"]["failures"]
    assert answer.json["backend"] == "none"


def test_it_is_not_ready_with_a_file_where_a_database_is_required(make_app, tmp_path):
    app = make_app(
        database_url=None,
        runtime_events_path=tmp_path / "events",
        persistence_contract_required="true",
    )
    assert refusal(app.test_client().get(URL)) == "persistence_contract_failed"


def test_it_is_not_ready_without_its_database(make_app):
    answer = make_app(database_url=UNREACHABLE).test_client().get(URL)
    assert refusal(answer) == "database_unreachable"
    assert answer.json["db_connected"] is False


def test_it_is_not_ready_while_migrations_are_pending(make_app, empty_database_url):
    answer = make_app(database_url=empty_database_url).test_client().get(URL)
    assert refusal(answer) == "migrations_pending"
    assert answer.json["db_connected"] is True
    assert f"{len(known_migrations())} migration(s)" in answer.json["detail"]["failures"][0]


@contextmanager
def renamed(db, migration, name):
    """The database believes that it has the migration under another name."""
    rename = "UPDATE _yoyo_migration SET migration_id = %s WHERE migration_id = %s"
    assert db.execute(rename, [name, migration]).rowcount == 1
    try:
        yield
    finally:
        db.execute(rename, [migration, name])


def test_it_is_ready_for_a_newer_schema(client, db):
    insert = "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('x', '9999_newer')"
    db.execute(insert)
    assert client.get(URL).status_code == 200
    db.execute("DELETE FROM _yoyo_migration WHERE migration_hash = 'x'")


def test_it_names_the_one_missing_migration(client, db):
    last = known_migrations()[-1]
    with renamed(db, last, "another"):
        answer = client.get(URL)
    assert refusal(answer) == "migrations_pending"
    assert f"1 migration(s) pending: {last}" in answer.json["detail"]["failures"][0]


@pytest.mark.parametrize("which", ["database_url", "runtime_database_url"])
def test_it_asks_both_databases(make_app, database_url, which):
    urls = {"database_url": database_url, "runtime_database_url": database_url, which: UNREACHABLE}
    answer = make_app(**urls).test_client().get(URL)
    assert refusal(answer) == "database_unreachable"
    [failure] = answer.json["detail"]["failures"]
    assert ("runtime_events" in failure) == (which == "runtime_database_url")


def test_it_answers_in_time_when_both_databases_hang(make_app):
    with silent_server() as one, silent_server() as other:
        client = make_app(database_url=one, runtime_database_url=other).test_client()
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(client.get, URL).result(timeout=3)
    assert refusal(answer) == "database_unreachable"
    assert len(answer.json["detail"]["failures"]) == 2


def test_it_asks_once_for_any_number_of_pollers(make_app):
    with silent_server() as url:
        app = make_app(database_url=url)
        with ThreadPoolExecutor(30) as pool:
            answers = [*pool.map(lambda _: app.test_client().get(URL), range(30))]
            probing = [it for it in threading.enumerate() if it.name == "readiness"]
    assert {refusal(answer) for answer in answers} == {"database_unreachable"}
    assert len(probing) <= 1


def test_it_is_ready_again_when_its_connection_was_cut(client, db):
    assert client.get(URL).status_code == 200
    cut = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    """
    assert db.execute(cut).fetchall()
    [probe] = client.application.extensions["probes"]
    probe._asked_at = float("-inf")
    assert client.get(URL).status_code == 200


def test_it_takes_no_connection_of_the_pool(make_app, database_url, db):
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
