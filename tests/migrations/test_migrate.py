"""Schema changes: up, down, up again; one migrator at a time; nothing lost by accident."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from telemetry.migrations import files, runner
from tests.support.command import telemetry, telemetry_process
from tests.support.databases import schema
from tests.support.retention import add_events
from tests.support.rights import SERVING_ROLE
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event

FORWARD = sorted(
    file for file in files.DIRECTORY.iterdir() if not file.name.endswith(".rollback.sql")
)


def run(*arguments, **environ):
    return telemetry("migrate", *arguments, **environ)


def test_up_down_and_up_again_gives_the_same_schema(empty_database_url):
    empty = schema(empty_database_url)
    assert run(DATABASE_URL=empty_database_url).returncode == 0
    first = schema(empty_database_url)
    assert len(first) > len(empty)
    down = run("--rollback", "1000", DATABASE_URL=empty_database_url)
    assert down.returncode == 0, down.stderr
    assert schema(empty_database_url) == empty
    assert run(DATABASE_URL=empty_database_url).returncode == 0
    assert schema(empty_database_url) == first


@pytest.mark.long
def test_each_step_can_be_taken_back_and_again(empty_database_url, tmp_path):
    before = schema(empty_database_url)
    for file in FORWARD:
        shutil.copy(file, tmp_path)
        shutil.copy(file.with_suffix(".rollback.sql"), tmp_path)
        runner.migrate(empty_database_url, print, directory=tmp_path)
        after = schema(empty_database_url)
        back = runner.rollback(
            empty_database_url, 1, destroy_data=False, say=print, directory=tmp_path
        )
        assert back == [file.stem]
        assert schema(empty_database_url) == before
        runner.migrate(empty_database_url, print, directory=tmp_path)
        assert schema(empty_database_url) == after
        before = after


def test_status_lists_applied_and_pending(empty_database_url):
    before = run("--status", DATABASE_URL=empty_database_url)
    assert before.returncode == 3
    assert before.stdout.count("pending") == len(FORWARD)
    with psycopg.connect(empty_database_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_class WHERE relname ~ 'yoyo'")
        assert tables.fetchone()[0] == 0
    run(DATABASE_URL=empty_database_url)
    runner.rollback(empty_database_url, 1, destroy_data=False, say=print)
    after = run("--status", DATABASE_URL=empty_database_url)
    assert after.stdout.count("applied") == len(FORWARD) - 1
    assert f"pending  {FORWARD[-1].stem}" in after.stdout
    assert after.returncode == 3
    run(DATABASE_URL=empty_database_url)
    assert run("--status", DATABASE_URL=empty_database_url).returncode == 0


@pytest.mark.parametrize("first_is_migrated", [True, False])
def test_status_counts_every_configured_database(
    database_url, empty_database_url, first_is_migrated
):
    urls = [database_url, empty_database_url]
    first, second = urls if first_is_migrated else reversed(urls)
    done = run("--status", DATABASE_URL=first, RUNTIME_DATABASE_URL=second)
    assert done.returncode == 3
    assert done.stdout.count("database ") == 2
    both = run("--status", DATABASE_URL=database_url, RUNTIME_DATABASE_URL=database_url)
    assert both.returncode == 0


def test_a_status_that_cannot_be_read_is_not_3():
    assert run("--status", DATABASE_URL="postgresql://127.0.0.1:1/x").returncode == 1


def test_what_retention_notes_is_no_row_to_lose(db, database_url):
    add_events(db, "old", "2 days")
    pruned = telemetry("prune", "--events-older-than", "1d", DATABASE_URL=database_url)
    assert pruned.returncode == 0, pruned.stderr
    done = run("--rollback", "1000", DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr


@pytest.mark.one_node("migrations there take undistribute first")
def test_who_writes_or_reads_events_needs_no_grant_for_what_was_pruned(database_url, db, client):
    """Neither a role with rights on columns, nor one with a name in quotes, nor everyone."""
    retention = [file.stem for file in FORWARD].index("0032_retention_state")
    db.execute('CREATE ROLE "a ""reader"""')
    db.execute("CREATE ROLE stranger")
    try:
        done = run("--rollback", str(len(FORWARD) - retention), DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr
        db.execute('GRANT SELECT (id) ON runtime_events TO "a ""reader"""')
        assert run(DATABASE_URL=database_url).returncode == 0
        granted = db.execute(
            "SELECT rolname FROM pg_roles WHERE has_table_privilege(oid, 'runtime_events_pruned',"
            " 'SELECT') AND rolname IN ('stranger', 'a \"reader\"', %s)",
            [SERVING_ROLE],
        ).fetchall()
        assert {row["rolname"] for row in granted} == {'a "reader"', SERVING_ROLE}
        assert client.post("/api/runtime/events", json=minimal_event()).status_code == 201
    finally:
        db.execute('DROP OWNED BY "a ""reader"""')
        db.execute('DROP ROLE "a ""reader""", stranger')


@pytest.mark.one_node("a rollback there takes undistribute first")
def test_a_rollback_refuses_to_drop_rows(client, database_url, db):
    client.post("/api/v1/runs", json=minimal_run())
    refused = run("--rollback", "1000", DATABASE_URL=database_url)
    assert refused.returncode == 1
    assert refused.stderr.strip().splitlines() == [
        "Error: refused: it would drop agent_runs, which hold(s) rows;"
        " --destroy-data does it anyway"
    ]
    assert runner.status(database_url).pending == []
    assert db.execute("SELECT count(*) AS n FROM agent_runs").fetchone()["n"] == 1
    destroyed = run("--rollback", "1000", "--destroy-data", DATABASE_URL=database_url)
    assert destroyed.returncode == 0, destroyed.stderr
    assert db.execute("SELECT to_regclass('agent_runs') AS t").fetchone()["t"] is None


@pytest.mark.long
def test_two_migrators_at_once_are_safe(empty_database_url):
    with ThreadPoolExecutor(3) as migrators:
        done = list(
            migrators.map(
                lambda _: telemetry_process("migrate", DATABASE_URL=empty_database_url), range(3)
            )
        )
    assert [it.returncode for it in done] == [0, 0, 0], [it.stderr for it in done]
    assert sum(it.stdout.count("applying") for it in done) == len(FORWARD)


@pytest.mark.faults
def test_a_dead_migrators_lock_row_is_in_nobodys_way(empty_database_url):
    runner.migrate(empty_database_url, print)
    runner.rollback(empty_database_url, 1, destroy_data=False, say=print)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 1)")
    assert run(DATABASE_URL=empty_database_url).returncode == 0
    assert runner.status(empty_database_url).pending == []


def test_a_migration_is_applied_whole_or_not_at_all(empty_database_url):
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE TABLE agent_runs (in_the_way int)")
    failed = run(DATABASE_URL=empty_database_url)
    assert failed.returncode == 1
    assert len(failed.stderr.strip().splitlines()) == 1
    assert "Traceback" not in failed.stderr
    status = runner.status(empty_database_url)
    assert "0003_runs_table" in status.pending
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("DROP TABLE agent_runs")
    assert run(DATABASE_URL=empty_database_url).returncode == 0


@pytest.mark.long
def test_a_migration_may_do_without_a_transaction(empty_database_url, tmp_path):
    """CREATE INDEX CONCURRENTLY, the way to index a big table, can't have one."""
    for file in files.DIRECTORY.iterdir():
        shutil.copy(file, tmp_path)
    number = f"{len(FORWARD) + 1:04d}_runs_index_host"
    name = "ix_agent_runs_host"
    (tmp_path / f"{number}.sql").write_text(
        f"-- transactional: false\nDROP INDEX CONCURRENTLY IF EXISTS {name};\n\n"
        f"CREATE INDEX CONCURRENTLY {name} ON agent_runs (host);\n"
    )
    (tmp_path / f"{number}.rollback.sql").write_text(f"DROP INDEX {name};\n")
    before = schema(empty_database_url)
    runner.migrate(empty_database_url, print, directory=tmp_path)
    assert name in str(schema(empty_database_url))
    back = runner.rollback(
        empty_database_url, 1000, destroy_data=False, say=print, directory=tmp_path
    )
    assert len(back) == len(FORWARD) + 1
    assert schema(empty_database_url) == before


def test_a_broken_migration_without_a_transaction_can_be_run_again(empty_database_url, tmp_path):
    """Undoing it by its rollback would lock out those who use the table."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE nothing SET statement_timeout = '1 min'")
        connection.execute(
            "ALTER DATABASE nothing SET default_transaction_isolation = 'repeatable read'"
        )
    shutil.copy(FORWARD[0], tmp_path)
    file = tmp_path / "0002_numbers.sql"
    file.with_suffix(".rollback.sql").write_text("DROP TABLE seen, numbers;\n")
    text = """-- transactional: false
        DROP TABLE IF EXISTS seen, numbers;
        SET lock_timeout = '5s';
        CREATE TABLE seen AS SELECT current_setting('statement_timeout') AS statement_timeout;
        CREATE TABLE numbers AS SELECT 1 AS number UNION ALL SELECT {second};
        CREATE UNIQUE INDEX CONCURRENTLY ux_numbers ON numbers (number);
    """
    file.write_text(text.format(second=1))
    with pytest.raises(psycopg.errors.UniqueViolation):
        runner.migrate(empty_database_url, print, directory=tmp_path)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (2,)
        assert connection.execute("SELECT statement_timeout FROM seen").fetchone() == ("0",)
    file.write_text(text.format(second=2))
    (tmp_path / "0003_next.sql").write_text(
        "CREATE TABLE next AS SELECT current_setting('lock_timeout') AS lock_timeout;\n"
    )
    runner.migrate(empty_database_url, print, directory=tmp_path)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT lock_timeout FROM next").fetchone() == ("0",)
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ux_numbers'::regclass"
        assert connection.execute(valid).fetchone() == (True,)


def test_an_edited_migration_is_noticed(empty_database_url):
    runner.migrate(empty_database_url, print)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            "UPDATE migration_checksums SET checksum = repeat('0', 64)"
            " WHERE migration_id = '0003_runs_table'"
        )
    for arguments in ([], ["--status"]):
        done = run(*arguments, DATABASE_URL=empty_database_url)
        assert done.returncode == 0
        assert "0003_runs_table was edited since it was applied" in done.stderr


@pytest.mark.long
def test_every_configured_database_is_migrated(empty_database_url, postgres):
    done = run(DATABASE_URL=empty_database_url, RUNTIME_DATABASE_URL=postgres)
    try:
        assert done.returncode == 0, done.stderr
        assert runner.status(postgres).pending == []
        assert runner.status(empty_database_url).pending == []
    finally:
        runner.rollback(postgres, 1000, destroy_data=True, say=print)


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        ([], {}, "Error: no database is configured: set DATABASE_URL"),
        ([], {"DATABASE_URL": "sqlite:///x"}, "DATABASE_URL: got"),
        ([], {"DATABASE_URL": "postgresql://u:s3cret@127.0.0.1:1/x"}, "Error: connection failed"),
    ],
)
def test_it_fails_with_one_line(arguments, environ, message):
    failed = run(*arguments, **environ)
    assert failed.returncode != 0
    assert len(failed.stderr.strip().splitlines()) == 1
    assert message in failed.stderr
    assert "s3cret" not in failed.stderr


@pytest.mark.parametrize("file", FORWARD, ids=lambda file: file.stem)
def test_a_file_keeps_the_rules(file):
    assert re.fullmatch(r"\d{4}_[a-z_]+\.sql", file.name)
    rollback = file.with_suffix(".rollback.sql")
    for part in (file, rollback):
        text = part.read_text()
        local = "" if "transactional: false" in text else "LOCAL "
        assert f"SET {local}lock_timeout" in text, part.name
        assert "IF NOT EXISTS" not in text, "it hides that the schema is not what was thought"
    assert file.read_text().startswith("-- ")


def test_the_numbers_have_no_gap():
    assert [int(file.name[:4]) for file in FORWARD] == list(range(1, len(FORWARD) + 1))
