"""The comments that a DBA reads in psql, on tables, columns and indexes."""

import re

from telemetry.database import statements
from tests.support.service import PROJECT

# A comment would say no more than their names, and the tables of yoyo are not of this service.
SELF_EVIDENT = {
    "agent_run_count_changes.agent_name",
    "agent_run_counts.agent_name",
    "agent_runs.git_branch",
    "audit.audit_events.device_id",
    "audit.audit_events.tenant_id",
    "os_core.audio_runtime_current.device_id",
    "os_core.audio_runtime_current.tenant_id",
    "os_core.audio_runtime_heads.device_id",
    "os_core.audio_runtime_heads.tenant_id",
}


def test_every_table_and_index_has_a_comment(db):
    without = db.execute(
        "SELECT oid::regclass::text AS name FROM pg_class"
        " WHERE relkind IN ('r', 'p', 'v', 'm', 'i') AND oid >= 16384"
        " AND relnamespace <> 'pg_toast'::regnamespace AND obj_description(oid) IS NULL"
        " AND (relkind <> 'i' OR relname !~ 'yoyo')"
    ).fetchall()
    assert without == []


def test_every_column_that_is_not_self_evident_has_a_comment(db):
    without = db.execute(
        "SELECT attrelid::regclass::text || '.' || attname AS name"
        " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relkind IN ('r', 'p') AND attrelid >= 16384 AND relname !~ 'yoyo'"
        " AND attnum > 0 AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL"
    ).fetchall()
    assert {row["name"] for row in without} == SELF_EVIDENT


def test_every_column_of_a_view_has_a_comment(db):
    without = db.execute(
        "SELECT attrelid::regclass::text || '.' || attname AS name"
        " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relkind = 'v' AND attrelid >= 16384 AND attnum > 0"
        " AND col_description(attrelid, attnum) IS NULL"
    ).fetchall()
    assert without == []


def test_a_comment_names_files_that_there_are(db):
    comments = db.execute("SELECT description FROM pg_description WHERE objoid >= 16384")
    for comment in [row["description"] for row in comments]:
        for name in re.findall(r"[\w/]+\.sql", comment):
            assert [*PROJECT.glob(name if "/" in name else f"sql/*/{name}")], comment


def test_an_index_names_a_statement_that_names_it(db):
    """Where any does: a statement that may use several indexes needs to name none."""
    texts = {
        str(file.relative_to(PROJECT)): file.read_text() for file in statements.ROOT.glob("*/*.sql")
    }
    for row in db.execute(
        "SELECT relname AS index, obj_description(oid) AS comment FROM pg_class"
        " WHERE relkind = 'i' AND obj_description(oid) IS NOT NULL"
    ):
        word = re.compile(rf"\b{row['index']}\b")
        naming = {name for name, statement in texts.items() if word.search(statement)}
        named = set(re.findall(r"sql/[\w/]+\.sql", row["comment"]))
        assert not (naming and named) or naming & named, row
