"""What is sent where tables are distributed, as far as one server shows it."""

import re
from contextlib import closing

import psycopg
import pytest
from psycopg import errors

from telemetry.audio_runtime.devices import by_tenant
from telemetry.database import statements
from telemetry.database.connection import connect, find_distributed
from telemetry.database.database import Database
from telemetry.database.errors import constraint_of
from telemetry.database.scale_out import FOLDER, ScaleOutCursor, variants

NAMES = {statement: re.search(rb"/\* (\S+) \*/", statement)[1].decode() for statement in variants()}

REFUSED_BY_A_SHARD = 'new row for relation "agent_runs_102010" violates check constraint "{}"'


def columns(connection, statement):
    """Return the names and types of the statement's columns, without running it."""
    places = {}

    def place(match):
        return b"$%d" % places.setdefault(match[1], len(places) + 1)

    text = re.sub(rb"%\((\w+)\)s", place, statement)
    prepared = connection.pgconn.prepare(b"", text)
    assert prepared.status == psycopg.pq.ExecStatus.COMMAND_OK, prepared.error_message
    found = connection.pgconn.describe_prepared(b"")
    return [(found.fname(n), found.ftype(n)) for n in range(found.nfields)]


@pytest.fixture
def lanes(db):
    """The function that distribute makes, until the test ends."""
    with db.transaction(force_rollback=True):
        db.execute((statements.ROOT / FOLDER / "distribute/00_lanes.sql").read_text())
        yield


@pytest.mark.usefixtures("lanes")
@pytest.mark.parametrize("statement", variants(), ids=NAMES.get)
def test_a_variant_returns_the_columns_of_its_statement(db, statement):
    assert columns(db, variants()[statement].statement) == columns(db, statement)


def test_every_statement_of_the_folder_that_replaces_one_is_a_variant():
    files = {
        f"{file.parent.name}/{file.stem}" for file in (statements.ROOT / FOLDER).glob("*/*.sql")
    }
    assert {*NAMES.values()} == {it for it in files if (statements.ROOT / f"{it}.sql").exists()}


def test_only_the_cursor_of_distributed_tables_sends_variants(database_url):
    statement = statements.load("audio_runtime/list_events")
    sent = {"tenant_id": "tenant-1", "row_limit": 1}
    with connect(database_url) as connection:
        plain = connection.execute(statement, sent)
        connection.place(is_distributed=True)
        other = connection.execute(statement, sent)
    assert plain._query.query != other._query.query
    assert isinstance(other, ScaleOutCursor)
    assert b"/* scale_out/audio_runtime/list_events */" in other._query.query


@pytest.mark.parametrize("pooled", [True, False])
def test_one_server_is_not_distributed(make_app, database_url, pooled):
    app = make_app(db_prepared_statements=pooled)
    assert app.test_client().get("/api/v1/metadata").status_code == 200
    with connect(database_url) as connection:
        find_distributed(connection)
        assert not connection.is_distributed
        assert not isinstance(connection.cursor(), ScaleOutCursor)


@pytest.mark.parametrize("transact", [Database.transact, Database.transact_pipelined])
def test_without_a_session_each_transaction_looks_where_tables_are(database_url, db, transact):
    database = Database(database_url, pool_size=1, prepared_statements=False)

    def placed():
        return transact(database, lambda it: (it.is_distributed, type(it.cursor())))

    with closing(database):
        assert placed() == (False, psycopg.Cursor)
        db.execute("CREATE FUNCTION shard_beside() RETURNS text RETURN NULL")
        assert placed() == (True, ScaleOutCursor)
        db.execute("DROP FUNCTION shard_beside()")
        assert placed() == (False, psycopg.Cursor)


def test_rows_are_split_by_tenant_where_the_ledger_is_distributed(database_url):
    rows = [{"tenant_id": "b", "n": 1}, {"tenant_id": "a", "n": 2}, {"tenant_id": "b", "n": 3}]
    with connect(database_url) as connection:
        assert [*by_tenant(connection, rows)] == [(None, rows)]
        connection.place(is_distributed=True)
        assert [*by_tenant(connection, rows)] == [("a", [rows[1]]), ("b", [rows[0], rows[2]])]


@pytest.mark.parametrize("name", ["no_bad", "no_bad_102010"])
def test_the_constraint_of_a_shard_has_the_name_of_the_table_s(db, name):
    with pytest.raises(errors.RaiseException) as raised:
        db.execute(f"DO $$ BEGIN RAISE EXCEPTION '{REFUSED_BY_A_SHARD.format(name)}'; END $$")
    assert constraint_of(raised.value) == "no_bad"
