"""What gunicorn's workers wait by; the services of the other tests do as well."""

import gevent
import psycopg
import pytest

from telemetry import connection, greenlet_wait
from telemetry.connection import connect


@pytest.fixture
def connected(monkeypatch, database_url):
    monkeypatch.setattr(connection, "_wait_in_greenlet", greenlet_wait.wait)
    opened = [connect(database_url), connect(database_url)]
    yield opened
    for each in opened:
        each.close()


def test_it_waits_for_answers_larger_than_any_buffer(connected):
    sent = "x" * 20_000_000
    row = connected[0].execute("SELECT length(%(sent)s) AS n, %(sent)s AS back", {"sent": sent})
    assert row.fetchone() == {"n": len(sent), "back": sent}


def test_it_waits_for_pipelines(connected):
    with connected[0].pipeline():
        cursors = [connected[0].execute(f"SELECT {n} AS n") for n in range(50)]
        rows = [cursor.fetchone() for cursor in cursors]
    assert rows == [{"n": n} for n in range(50)]


def test_others_go_on_while_one_waits(connected):
    ended = []

    def run(connection, statement):
        connection.execute(statement)
        ended.append(statement)

    slow, fast = "SELECT pg_sleep(0.5)", "SELECT 1"
    gevent.joinall(
        [gevent.spawn(run, *it) for it in zip(connected, (slow, fast), strict=True)],
        raise_error=True,
    )
    assert ended == [fast, slow]


def test_it_does_not_wait_for_ever(connected):
    connected[0].answer_seconds = 0.2
    with pytest.raises(psycopg.OperationalError, match="not answer in time"):
        connected[0].execute("SELECT pg_sleep(60)")
    assert connected[0].closed


def test_it_finds_that_the_server_hung_up(connected):
    victim, other = connected
    other.execute("SELECT pg_terminate_backend(%s)", [victim.info.backend_pid])
    with pytest.raises(psycopg.OperationalError, match="terminat"):
        victim.execute("SELECT 1")


def test_an_error_is_the_databases_own(connected):
    with pytest.raises(psycopg.errors.DivisionByZero):
        connected[0].execute("SELECT 1 / 0")
    assert connected[0].execute("SELECT 1 AS n").fetchone() == {"n": 1}
