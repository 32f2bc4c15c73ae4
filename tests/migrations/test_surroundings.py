"""What a database, its owner or another session may have set up, and what migrate makes of it."""

import shutil

import psycopg
import pytest

from telemetry.database.embedded import embedded_postgres
from telemetry.migrations import files, runner, surroundings
from tests.support.command import telemetry
from tests.support.databases import database, execute, schema
from tests.support.server import copy_cluster, folder
from tests.support.service import free_port


def run(url):
    return telemetry("migrate", DATABASE_URL=url)


def assert_one_line(failed, said):
    assert failed.returncode == 1
    assert len(failed.stderr.strip().splitlines()) == 1
    assert said in failed.stderr


@pytest.fixture
def longer(tmp_path):
    """A folder of the migrations, and one more that changes agent_runs."""
    for file in files.DIRECTORY.iterdir():
        shutil.copy(file, tmp_path)
    text = "SET LOCAL lock_timeout = '200ms';\nALTER TABLE agent_runs ADD COLUMN more int;\n"
    (tmp_path / "9999_runs_more.sql").write_text(text)
    (tmp_path / "9999_runs_more.rollback.sql").write_text(
        text.replace("ADD", "DROP").replace(" int", "")
    )
    return tmp_path


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("default_transaction_isolation", "serializable"),
        ("standard_conforming_strings", "off"),
        ("extra_float_digits", "-10"),
        ("lock_timeout", "1ms"),
    ],
)
def test_odd_settings_of_the_database_do_not_matter(empty_database_url, setting, value):
    execute(empty_database_url, f"ALTER DATABASE nothing SET {setting} = '{value}'")
    done = run(empty_database_url)
    assert done.returncode == 0, done.stderr
    assert runner.status(empty_database_url).pending == []


@pytest.fixture
def weak(empty_database_url):
    """The URL of the empty database for a role that may do nothing there, whatever the release."""
    execute(empty_database_url, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    execute(empty_database_url, "CREATE ROLE weak")
    yield f"{empty_database_url}&options=-c%20role%3Dweak"
    execute(empty_database_url, "DROP OWNED BY weak")
    execute(empty_database_url, "DROP ROLE weak")


def statements_in(refused):
    """Return the statements that a refusal tells an administrator to run."""
    return refused.stderr.strip().partition("as an administrator: ")[2].split("; ")


def test_it_says_which_rights_its_role_lacks(weak, empty_database_url):
    before = schema(empty_database_url)
    refused = run(weak)
    assert_one_line(refused, "role weak lacks rights")
    assert statements_in(refused) == [
        "GRANT CREATE ON DATABASE nothing TO weak",
        "GRANT USAGE, CREATE ON SCHEMA public TO weak",
    ]
    assert schema(empty_database_url) == before
    for statement in statements_in(refused):
        execute(empty_database_url, statement)
    done = run(weak)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ("GRANT CREATE ON DATABASE nothing TO weak", "GRANT USAGE, CREATE ON SCHEMA public"),
        ("GRANT USAGE, CREATE ON SCHEMA public TO weak", "GRANT CREATE ON DATABASE nothing"),
        ("GRANT USAGE ON SCHEMA public TO weak", "GRANT USAGE, CREATE ON SCHEMA public"),
    ],
)
def test_each_right_is_named(weak, empty_database_url, granted, missing):
    execute(empty_database_url, granted)
    refused = run(weak)
    assert_one_line(refused, f"{missing} TO weak")
    assert granted not in refused.stderr


def test_it_says_whose_tables_a_migration_changes(weak, empty_database_url, longer):
    runner.migrate(empty_database_url, print)
    execute(empty_database_url, "GRANT USAGE, CREATE ON SCHEMA public TO weak")
    execute(empty_database_url, "GRANT ALL ON ALL TABLES IN SCHEMA public TO weak")
    with pytest.raises(runner.MigrationError, match=r"administrator: GRANT postgres TO weak$"):
        runner.migrate(weak, print, directory=longer)


def test_a_role_that_may_not_create_anything_can_migrate_when_nothing_is_pending(
    weak, empty_database_url
):
    runner.migrate(empty_database_url, print)
    execute(empty_database_url, "GRANT USAGE ON SCHEMA public TO weak")
    execute(empty_database_url, "GRANT ALL ON ALL TABLES IN SCHEMA public TO weak")
    done = run(weak)
    assert done.returncode == 0, done.stderr


def test_the_status_needs_no_right_but_to_read(weak, empty_database_url):
    runner.migrate(empty_database_url, print)

    def status():
        return telemetry("migrate", "--status", DATABASE_URL=weak)

    assert_one_line(status(), "GRANT USAGE ON SCHEMA public TO weak")
    execute(empty_database_url, "GRANT USAGE ON SCHEMA public TO weak")
    refused = status()
    assert_one_line(refused, "GRANT SELECT ON _yoyo_migration, migration_checksums TO weak")
    execute(empty_database_url, "GRANT SELECT ON _yoyo_migration, migration_checksums TO weak")
    done = status()
    assert done.returncode == 0, done.stderr
    assert "pending" not in done.stdout


def test_a_read_only_role_is_refused(empty_database_url):
    url = f"{empty_database_url}&options=-c%20default_transaction_read_only%3Don"
    assert_one_line(run(url), "default_transaction_read_only is on")


FIT = {"version": 140000, "encoding": "UTF8", "in_recovery": False, "read_only": False}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"version": 130014}, "the server is PostgreSQL 13, and 14 or newer is needed"),
        ({"encoding": "SQL_ASCII"}, "the encoding SQL_ASCII, and needs UTF8"),
        ({"in_recovery": True}, "hot standby"),
    ],
)
def test_a_server_that_does_not_fit_is_refused(row, said):
    surroundings.refuse_server(FIT)
    with pytest.raises(runner.MigrationError, match=said):
        surroundings.refuse_server({**FIT, **row})


def test_a_hot_standby_is_named(migrated_cluster):
    with folder() as parent:
        copy_cluster(migrated_cluster, parent / "data")
        (parent / "data" / "standby.signal").touch()
        with embedded_postgres(parent / "data") as url:
            assert_one_line(run(url), "the server is a hot standby")
            done = telemetry("migrate", "--status", DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("  applied  ") == len(files.known_migrations())


def test_it_refuses_an_encoding_that_can_not_hold_every_text(postgres):
    execute(postgres, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        assert_one_line(run(database(postgres, "latin")), "has the encoding LATIN1, and needs UTF8")
    finally:
        execute(postgres, "DROP DATABASE latin WITH (FORCE)")


@pytest.mark.parametrize(
    "command", ["migrate", "migrate --status", "migrate --rollback 1 --destroy-data", "serve"]
)
def test_it_refuses_a_database_made_before_the_first_release(empty_database_url, command):
    runner.migrate(empty_database_url, print)
    execute(
        empty_database_url,
        "UPDATE _yoyo_migration SET migration_id = '0001_migrations_create'"
        " WHERE migration_id = '0001_migrations_checksums'",
    )
    before = schema(empty_database_url)
    failed = telemetry(*command.split(), DATABASE_URL=empty_database_url, PORT=str(free_port()))
    assert_one_line(failed, "move that folder away")
    assert schema(empty_database_url) == before


def test_it_can_be_run_again_when_somebody_keeps_a_table(empty_database_url, longer):
    runner.migrate(empty_database_url, print)
    with psycopg.connect(empty_database_url) as reader:
        reader.execute("SELECT FROM agent_runs")
        with pytest.raises(runner.MigrationError, match=r"9999_runs_more: .* can be run again"):
            runner.migrate(empty_database_url, print, directory=longer)
    runner.migrate(empty_database_url, print, directory=longer)
    assert "9999_runs_more" in runner.status(empty_database_url).applied


def test_what_a_newer_release_applied_is_its_own_to_roll_back(empty_database_url, longer):
    runner.migrate(empty_database_url, print, directory=longer)
    before = runner.status(empty_database_url)
    with pytest.raises(runner.MigrationError, match="9999_runs_more was applied by a newer"):
        runner.rollback(empty_database_url, 1, destroy_data=True, say=print)
    assert runner.status(empty_database_url) == before
    back = runner.rollback(empty_database_url, 1, destroy_data=False, say=print, directory=longer)
    assert back == ["9999_runs_more"]
