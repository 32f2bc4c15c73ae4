"""What a database, its owner or another session may have set up, and what migrate makes of it."""

import shutil

import psycopg
import pytest

from telemetry.migrations import files, runner
from tests.support.command import telemetry
from tests.support.databases import database, execute, schema
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


def test_it_says_what_its_role_may_not(empty_database_url):
    execute(empty_database_url, "CREATE ROLE weak")
    try:
        assert_one_line(
            run(f"{empty_database_url}&options=-c%20role%3Dweak"), "permission denied for schema"
        )
    finally:
        execute(empty_database_url, "DROP ROLE weak")


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
