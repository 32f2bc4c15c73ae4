"""Database: bounded waits, sessions with and without state, its own exceptions."""

from urllib.parse import quote

import psycopg
import pytest

from telemetry.database import database
from telemetry.database.database import Database
from telemetry.database.errors import DatabaseUnavailable
from tests.support.runs import full_run, minimal_run


@pytest.fixture
def open_database(database_url):
    opened = []

    def open_one(url=database_url, **settings):
        opened.append(Database(url, **{"pool_size": 2, "prepared_statements": True, **settings}))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.mark.parametrize("prepared", [True, False])
def test_a_statement_that_takes_too_long_is_cancelled(monkeypatch, open_database, prepared):
    monkeypatch.setattr(database, "STATEMENT_SECONDS", 1)
    with pytest.raises(DatabaseUnavailable, match="statement timeout"):
        open_database(prepared_statements=prepared).fetch_all(b"SELECT pg_sleep(20)::text")


def test_a_caller_can_set_a_shorter_time_limit(open_database):
    pool = open_database()
    with pytest.raises(DatabaseUnavailable):
        pool.fetch_all(b"SELECT pg_sleep(20)::text", within=0.2)
    assert pool.fetch_all(b"SELECT 1 AS n") == [{"n": 1}]


def test_the_time_limit_is_added_to_the_options_of_the_url(open_database, database_url):
    pool = open_database(f"{database_url}&options=-c%20work_mem%3D7MB")
    (row,) = pool.fetch_all(
        b"SELECT current_setting('work_mem') AS memory,"
        b" current_setting('statement_timeout') AS limit"
    )
    assert row == {"memory": "7MB", "limit": "10s"}


@pytest.mark.parametrize("prepared", [True, False])
def test_the_settings_of_a_role_do_not_change_a_result(open_database, database_url, prepared):
    odd = "-c extra_float_digits=-10 -c standard_conforming_strings=off -c DateStyle=German"
    pool = open_database(f"{database_url}&options={quote(odd)}", prepared_statements=prepared)
    (row,) = pool.fetch_all(
        rb"SELECT 0.123456789012345::float8 AS number, 'a\nb' AS text,"
        b" '2026-01-31T12:00:00Z'::timestamptz AS moment"
    )
    assert row == {
        "number": 0.123456789012345,
        "text": r"a\nb",
        "moment": "2026-01-31T12:00:00.000000Z",
    }


def test_nothing_is_prepared_when_prepared_statements_are_off(make_app, database_url, db):
    client = make_app(db_prepared_statements=False, db_pool_size=1).test_client()
    for number in range(10):
        assert client.post("/api/v1/runs", json=full_run(f"e{number}")).status_code == 201
    assert client.post("/api/v1/runs", json=full_run("e0")).status_code == 200
    batch = [minimal_run(f"e{number}") for number in range(5, 15)]
    assert client.post("/api/v1/runs/batch", json=batch).json["inserted"] == 5
    assert client.patch("/api/v1/runs/e1", json={"status": "success"}).status_code == 200
    pool = client.application.extensions["databases"][0]
    (row,) = pool.fetch_all(b"SELECT count(*) AS n FROM pg_prepared_statements")
    assert row == {"n": 0}


def test_a_transaction_runs_again_after_a_deadlock(open_database, db):
    pool = open_database()
    db.execute("CREATE TABLE pair (id int PRIMARY KEY, n int NOT NULL)")
    db.execute("INSERT INTO pair VALUES (1, 0), (2, 0)")
    attempts = []

    def work(connection):
        attempts.append(1)
        connection.execute("UPDATE pair SET n = n + 1 WHERE id = 1")
        if len(attempts) == 1:
            raise psycopg.errors.DeadlockDetected("deadlock detected")
        connection.execute("UPDATE pair SET n = n + 1 WHERE id = 2")

    pool.transact(work)
    assert len(attempts) == 2
    assert [row["n"] for row in db.execute("SELECT n FROM pair ORDER BY id")] == [1, 1]


@pytest.mark.faults
def test_a_url_that_libpq_refuses_gives_503_without_its_password(make_app, caplog):
    url = "postgresql://u:s3cret@127.0.0.1:1/x?channel_binding=nonsense&connect_timeout=1"
    client = make_app(database_url=url).test_client()
    response = client.post("/api/v1/runs", json=minimal_run())
    assert response.status_code == 503
    assert "s3cret" not in response.text + caplog.text


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
def test_timestamps_are_in_utc_in_any_session_time_zone(open_database, zone):
    pool = open_database()

    def work(connection):
        connection.execute("SELECT set_config('TimeZone', %s, true)", [zone])
        query = "SELECT timestamptz '2026-01-31 12:00:00.5+00' AS t, timestamptz 'infinity' AS i"
        return connection.execute(query).fetchone()

    assert pool.transact(work) == {"t": "2026-01-31T12:00:00.500000Z", "i": "infinity"}
