"""A checkout with CRLF line ends, as Git makes on Windows, is the same release."""

import pytest

from telemetry.cli import statement_files
from telemetry.database import statements
from telemetry.migrations import files, runner
from tests.support.databases import schema


def copy_with_crlf(folder, copy):
    for file in folder.rglob("*.sql"):
        target = copy / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    return copy


@pytest.fixture
def migrations(tmp_path):
    """A folder of the migrations with CRLF line ends."""
    return copy_with_crlf(files.DIRECTORY, tmp_path / "migrations")


def test_no_migration_counts_as_edited(database_url, migrations, monkeypatch):
    monkeypatch.setattr(runner, "DIRECTORY", migrations)
    assert runner.status(database_url).edited == []
    (migrations / "0003_runs_table.sql").write_bytes(b"-- edited\r\n")
    assert runner.status(database_url).edited == ["0003_runs_table"]


def test_it_makes_the_same_database(database_url, empty_database_url, migrations):
    runner.migrate(empty_database_url, print, directory=migrations)
    assert schema(empty_database_url) == schema(database_url)
    status = runner.status(empty_database_url)
    assert (status.pending, status.edited) == ([], [])
    names = files.known_migrations()
    assert files.names_in(names, migrations) == files.names_in(names)


def test_a_migration_without_a_transaction_is_recognized(empty_database_url, migrations):
    (migrations / "9999_runs_more.sql").write_bytes(
        b"-- transactional: false\r\nCREATE INDEX CONCURRENTLY ix_more ON agent_runs (host);\r\n"
    )
    runner.migrate(empty_database_url, print, directory=migrations)
    assert "ix_more" in str(schema(empty_database_url))


def test_the_statements_are_the_same(tmp_path, monkeypatch):
    names = statement_files.names()
    expected = {name: (statements.load(name), statement_files.read(name)) for name in names}
    monkeypatch.setattr(statements, "ROOT", copy_with_crlf(statements.ROOT, tmp_path))
    monkeypatch.setattr(statements, "load", statements.load.__wrapped__)
    for name in names:
        assert (statements.load(name), statement_files.read(name)) == expected[name]
