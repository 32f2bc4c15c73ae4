"""The counts behind GET /metrics are exact in every snapshot, whichever program writes."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.database import statements
from telemetry.migrations import runner
from telemetry.migrations.files import known_migrations
from tests.support.runs import minimal_run

METRICS = statements.load("runs/metrics")

COUNTED_ONE_BY_ONE = """
    SELECT
        agent_name,
        count(*) AS total_runs,
        count(*) FILTER (
            WHERE created_at > now() - interval '24 hours' AND created_at <= now()
        ) AS recent_24h
    FROM agent_runs GROUP BY agent_name ORDER BY agent_name COLLATE "C"
"""
INSERT = """
    INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time, created_at)
    SELECT
        %(prefix)s || n, 'run', 'agent-' || n %% 7, 'job', now(), now() - n * %(step)s::interval
    FROM generate_series(1, %(runs)s) AS n
"""
RENAME = "UPDATE agent_runs SET agent_name = 'renamed' WHERE event_id LIKE %s"
MOVE = "UPDATE agent_runs SET created_at = created_at - interval '3 hours' WHERE event_id LIKE %s"
CHANGES = "SELECT count(*) AS n FROM agent_run_count_changes"


def insert(connection, prefix="e", runs=50, step="1 hour"):
    connection.execute(INSERT, {"prefix": prefix, "runs": runs, "step": step})


def assert_exact(connection):
    """Compare the counts with the runs in one snapshot; return the number of runs."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        counted = connection.execute(METRICS).fetchall()
        assert counted == connection.execute(COUNTED_ONE_BY_ONE).fetchall()
    return sum(row["total_runs"] for row in counted)


def assert_exact_when_folded(connection):
    """Compare before and after folding all changes; return the number of runs."""
    counted = assert_exact(connection)
    while connection.execute("SELECT fold_agent_run_counts(100) AS n").fetchone()["n"]:
        pass
    assert connection.execute(CHANGES).fetchone()["n"] == 0
    assert assert_exact(connection) == counted
    zero = "SELECT count(*) AS n FROM agent_run_counts WHERE runs <= 0"
    assert connection.execute(zero).fetchone()["n"] == 0
    return counted


def test_it_works(db):
    insert(db)
    assert assert_exact_when_folded(db) == 50


def test_it_counts_changes_made_by_hand(db):
    insert(db, "a-")
    insert(db, "b-")
    with db.cursor() as cursor:
        columns = "event_id, run_id, agent_name, job_type, start_time"
        with cursor.copy(f"COPY agent_runs ({columns}) FROM STDIN") as copy:
            copy.write_row(["copied", "run", "agent-1", "job", "2026-01-31T12:00:00Z"])
    assert assert_exact(db) == 101
    db.execute(RENAME, ["a-1%"])
    db.execute(MOVE, ["a-2%"])
    assert assert_exact_when_folded(db) == 101
    db.execute("UPDATE agent_runs SET agent_name = 'renamed', created_at = '-infinity'")
    db.execute("DELETE FROM agent_runs WHERE event_id LIKE 'b-%'")
    assert assert_exact_when_folded(db) == 51
    db.execute("DELETE FROM agent_runs")
    assert assert_exact_when_folded(db) == 0


def test_it_counts_neither_a_rollback_nor_a_duplicate(db):
    insert(db)
    with db.transaction(force_rollback=True):
        insert(db, "undone", 1000, "10 minutes")
        db.execute("DELETE FROM agent_runs WHERE event_id LIKE 'e1%'")
    with pytest.raises(psycopg.errors.UniqueViolation):
        insert(db)
    db.execute(INSERT + " ON CONFLICT DO NOTHING", {"prefix": "e", "runs": 60, "step": "1 hour"})
    assert assert_exact_when_folded(db) == 60


@pytest.mark.parametrize("folded", [False, True])
def test_the_window_of_24_hours_is_exact_to_the_microsecond(db, folded):
    with db.transaction():
        for microseconds in (-(10**9), -600_000_000, -1, 0, 1, 300_000_000, 600_000_000, 10**9):
            run = {"prefix": f"w{microseconds}-", "runs": 1}
            insert(db, **run, step=f"24 hours {-microseconds} microseconds")
        for moment in ("infinity", "-infinity", "4000-01-01 BC", "1999-12-31", "9999-12-31"):
            db.execute(
                "INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time,"
                " created_at) VALUES (%s, 'r', 'odd', 'j', now(), %s)",
                [moment.replace(" ", "-"), moment],
            )
        if folded:
            db.execute("SELECT fold_agent_run_counts(1000)")
        found = {row["agent_name"]: row["recent_24h"] for row in db.execute(METRICS)}
        # Four runs are inside the window; infinity and the year 9999 are in the future.
        assert found == {"agent-1": 4, "odd": 0}
        assert db.execute(METRICS).fetchall() == db.execute(COUNTED_ONE_BY_ONE).fetchall()


@pytest.mark.parametrize("folded", [False, True])
def test_a_run_dated_in_the_future_is_not_recent(db, folded):
    with db.transaction():
        for microseconds in (-1, 0, 1, 300_000_000, 600_000_000, 10**9, 10**12):
            run = {"prefix": f"f{microseconds}-", "runs": 1}
            insert(db, **run, step=f"{-microseconds} microseconds")
        if folded:
            db.execute("SELECT fold_agent_run_counts(1000)")
        (row,) = db.execute(METRICS)
        assert (row["total_runs"], row["recent_24h"]) == (7, 2)
        assert db.execute(METRICS).fetchall() == db.execute(COUNTED_ONE_BY_ONE).fetchall()


def test_a_patch_writes_no_count(client, db):
    client.post("/api/v1/runs", json=minimal_run())
    before = db.execute(CHANGES).fetchone()
    assert client.patch("/api/v1/runs/event-1", json={"status": "success"}).status_code == 200
    assert db.execute(CHANGES).fetchone() == before
    assert assert_exact(db) == 1


def test_changes_are_folded_automatically(db):
    for number in range(5):
        insert(db, f"{number}-", 1000, "1 hour")
    # A thousand changes make a fold certain.
    assert db.execute(CHANGES).fetchone()["n"] == 0
    assert assert_exact(db) == 5000


def test_no_writer_waits_for_a_fold(db, database_url):
    with psycopg.connect(database_url) as folding:
        insert(folding, "folding-", 1000)
        db.execute("SET lock_timeout = '1ms'")
        insert(db, "other-", 1000)
        db.execute("DELETE FROM agent_runs WHERE event_id LIKE 'other-1%'")
        left = assert_exact(db)
    assert assert_exact_when_folded(db) == 1000 + left


def test_truncate_sets_all_counts_to_zero(db):
    insert(db, runs=1000)
    insert(db, "more-")
    db.execute("TRUNCATE agent_runs")
    assert assert_exact(db) == 0
    insert(db)
    with db.transaction(force_rollback=True):
        db.execute("TRUNCATE agent_runs")
    assert assert_exact_when_folded(db) == 50


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_isolated_transactions_are_counted_but_may_not_truncate(db, level):
    db.execute(f"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {level}")
    insert(db, runs=1000)
    db.execute("DELETE FROM agent_runs WHERE event_id LIKE 'e1%'")
    assert assert_exact_when_folded(db) == 888
    for refused in ("TRUNCATE agent_runs", "SELECT recount_agent_runs()"):
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            db.execute(refused)
    assert assert_exact(db) == 888


def test_a_writer_with_few_privileges_and_another_search_path_is_counted(db):
    db.execute("DROP ROLE IF EXISTS few_rights")
    db.execute("CREATE ROLE few_rights")
    db.execute("GRANT INSERT ON agent_runs TO few_rights")
    try:
        with db.transaction():
            db.execute("SET LOCAL ROLE few_rights")
            db.execute("SET LOCAL search_path = pg_catalog")
            db.execute(
                "INSERT INTO public.agent_runs (event_id, run_id, agent_name, job_type,"
                " start_time, created_at) SELECT n::text, 'r', 'a', 'j', now(),"
                " now() - n * interval '1 hour' FROM generate_series(1, 1000) AS n"
            )
    finally:
        db.execute("DROP OWNED BY few_rights")
        db.execute("DROP ROLE few_rights")
    assert assert_exact_when_folded(db) == 1000


def test_metrics_work_on_a_read_only_database(make_app, database_url, db):
    insert(db)
    url = f"{database_url}&options=-c%20default_transaction_read_only%3Don"
    response = make_app(database_url=url).test_client().get("/metrics")
    assert (response.status_code, response.json["total_runs"]) == (200, 50)


@pytest.mark.long
def test_runs_written_before_the_triggers_are_counted(empty_database_url):
    runner.migrate(empty_database_url, print)
    steps = sum(name >= "0004_runs_counts" for name in known_migrations())
    names = runner.rollback(empty_database_url, steps, destroy_data=False, say=print)
    assert names[-1] == "0004_runs_counts"
    with psycopg.connect(empty_database_url, autocommit=True, row_factory=dict_row) as connection:
        insert(connection)
        runner.migrate(empty_database_url, print)
        assert assert_exact(connection) == 50
        connection.execute("DELETE FROM agent_runs WHERE event_id LIKE 'e1%'")
        assert assert_exact_when_folded(connection) == 39


def write(url, worker, stop):
    """Do everything that changes a count, in transactions of all lengths, until ``stop`` is set."""
    choose = random.Random(worker)
    done = 0
    with psycopg.connect(url, autocommit=True) as connection:
        while not stop.is_set():
            prefix, done = f"w{worker}-{done}-", done + 1
            with connection.transaction(force_rollback=choose.random() < 0.1):
                for part in range(choose.randint(1, 3)):
                    insert(connection, f"{prefix}{part}-", choose.choice((1, 5, 300)))
                connection.execute(RENAME, [f"{prefix}%3"])
                connection.execute(MOVE, [f"{prefix}%4"])
                if choose.random() < 0.5:
                    connection.execute(
                        "DELETE FROM agent_runs WHERE event_id LIKE %s", [f"{prefix}1%"]
                    )
    return done


@pytest.mark.long
@pytest.mark.parametrize("housekeeping", ["fold_agent_run_counts(50)", "recount_agent_runs()"])
def test_every_snapshot_is_exact_during_writes_and_folds(db, database_url, housekeeping):
    stop = Event()

    def fold():
        with psycopg.connect(database_url, autocommit=True) as connection:
            while not stop.is_set():
                connection.execute(f"SELECT {housekeeping}")

    with ThreadPoolExecutor(4) as threads:
        busy = [threads.submit(write, database_url, worker, stop) for worker in range(3)]
        busy.append(threads.submit(fold))
        try:
            seen = {assert_exact(db) for _ in range(150)}
        finally:
            stop.set()
        assert all(thread.result() for thread in busy[:3])
        busy[3].result()
    assert len(seen) > 1
    assert_exact_when_folded(db)


@pytest.mark.faults
def test_a_crash_leaves_the_counts_exact(server):
    stop = Event()
    with ThreadPoolExecutor(3) as threads:
        try:
            writers = [threads.submit(write, server.url, worker, stop) for worker in range(3)]
            with psycopg.connect(server.url, autocommit=True, row_factory=dict_row) as connection:
                while assert_exact(connection) < 2000:
                    assert not any(writer.done() for writer in writers)
            server.kill()
            for writer in writers:
                assert isinstance(writer.exception(), psycopg.OperationalError)
            server.start()
            with psycopg.connect(server.url, autocommit=True, row_factory=dict_row) as connection:
                assert assert_exact_when_folded(connection) >= 2000
        finally:
            stop.set()
