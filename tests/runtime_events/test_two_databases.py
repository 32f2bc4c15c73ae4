"""RUNTIME_DATABASE_URL next to DATABASE_URL: both are migrated, each keeps its own records."""

import psycopg
import pytest
from click.testing import CliRunner

from telemetry.cli import main
from telemetry.migrations.files import known_migrations
from tests.support.runs import minimal_run
from tests.support.runtime_events import URL, minimal_event


@pytest.fixture
def client(make_app, runtime_database_url):
    return make_app(runtime_database_url=runtime_database_url).test_client()


def test_events_and_runs_go_to_different_databases(client, db, runtime_database_url):
    assert client.post(URL, json=minimal_event()).status_code == 201
    assert client.post("/api/v1/runs", json=minimal_run()).status_code == 201
    with psycopg.connect(runtime_database_url) as runtime:
        assert runtime.execute("SELECT count(*) FROM runtime_events").fetchone() == (1,)
        assert runtime.execute("SELECT count(*) FROM agent_runs").fetchone() == (0,)
    assert db.execute("SELECT count(*) AS n FROM runtime_events").fetchone()["n"] == 0
    assert db.execute("SELECT count(*) AS n FROM agent_runs").fetchone()["n"] == 1


def test_migrate_migrates_both_databases(empty_database_url, runtime_database_url):
    with psycopg.connect(runtime_database_url, autocommit=True) as runtime:
        runtime.execute("DROP TABLE runtime_events CASCADE")
        runtime.execute("DROP FUNCTION number_runtime_event")
        runtime.execute(
            "DELETE FROM _yoyo_migration WHERE migration_id = '0005_runtime_events_table'"
        )
    urls = {"DATABASE_URL": empty_database_url, "RUNTIME_DATABASE_URL": runtime_database_url}
    result = CliRunner().invoke(main, ["migrate"], env=urls)
    assert result.exit_code == 0, result.output
    assert result.stdout.count(f"up to date: {len(known_migrations())} migrations") == 2
    for url in urls.values():
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT to_regclass('runtime_events')").fetchone()
            assert found == ("runtime_events",)


@pytest.mark.faults
def test_runs_are_created_while_the_events_database_is_down(make_app, database_url):
    lost = "postgresql://nobody@127.0.0.1:1/nowhere"
    client = make_app(runtime_database_url=lost).test_client()
    assert client.post(URL, json=minimal_event()).status_code == 503
    assert client.post("/api/v1/runs", json=minimal_run()).status_code == 201
