"""A migration that newer servers refused was edited; databases that applied it notice nothing."""

import psycopg
import pytest

from telemetry.migrations import files, runner


def test_a_migration_that_had_to_be_edited_is_not_named(database_url, db):
    """A database that applied the earlier file has the same schema."""
    for name, earlier in files.EARLIER_CHECKSUMS.items():
        recorded = db.execute(
            "UPDATE migration_checksums SET checksum = %s WHERE migration_id = %s", [earlier, name]
        )
        assert recorded.rowcount == 1
    assert runner.status(database_url).edited == []


# What PostgreSQL has refused since the minor releases of November 2026 (15.20), for servers that do
# not: a column with a default, while the parsed body of a function reads a row of the table.
NEWER_SERVER = """
CREATE FUNCTION public.refuse_default() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    altered text := substring(current_query(), 'ALTER TABLE (\\S+)\\s+ADD COLUMN [^;]*DEFAULT');
BEGIN
    IF EXISTS (
        SELECT FROM pg_depend JOIN pg_proc ON pg_proc.oid = objid
        WHERE classid = 'pg_proc'::regclass AND refclassid = 'pg_type'::regclass
        AND prosqlbody IS NOT NULL
        AND refobjid = (SELECT reltype FROM pg_class WHERE oid = to_regclass(altered))
    ) THEN
        RAISE EXCEPTION 'a function uses the row type of %', altered;
    END IF;
END
$$;
CREATE EVENT TRIGGER newer_server ON ddl_command_start WHEN TAG IN ('ALTER TABLE')
EXECUTE FUNCTION public.refuse_default();
"""


def test_newer_servers_accept_every_column(empty_database_url):
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(NEWER_SERVER)
        assert runner.migrate(empty_database_url, print).pending == []
        added = "ALTER TABLE os_core.audio_runtime_events ADD COLUMN more bigint DEFAULT 0"
        connection.execute(added)
        # The trigger does refuse what such a server refuses.
        connection.execute(
            "CREATE FUNCTION mic(event os_core.audio_runtime_events) RETURNS text LANGUAGE sql"
            " RETURN event.selected_mic"
        )
        with pytest.raises(psycopg.errors.RaiseException, match="row type"):
            connection.execute(added)
