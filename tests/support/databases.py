"""Migrated, empty databases for tests, which are used again where that is safe.

To clone the template takes longer than most tests. So a database is emptied and used by the next
test, unless the test changed its schema.
"""

from itertools import count
from typing import Any

import psycopg

SCHEMA = """
    SELECT 'column', attrelid::regclass::text, attname, format_type(atttypid, atttypmod),
        attnotnull::text, col_description(attrelid, attnum)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE attnum > 0 AND NOT attisdropped AND relnamespace::regnamespace::text !~ '^pg_|^inf'
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '',
        obj_description(oid)
    FROM pg_constraint WHERE connamespace::regnamespace::text !~ '^pg_|^inf'
    UNION ALL
    SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text,
        pg_get_indexdef(indexrelid), '', obj_description(indexrelid)
    FROM pg_index WHERE indrelid::regclass::text !~ '^pg_'
    UNION ALL
    SELECT 'function', oid::regprocedure::text, prosrc, '', '', obj_description(oid)
    FROM pg_proc WHERE pronamespace::regnamespace::text !~ '^pg_|^inf'
    UNION ALL
    SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid),
        tgenabled::text, ''
    FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'table', oid::regclass::text, relkind::text, relpersistence::text,
        array_to_string(reloptions, ', '), obj_description(oid)
    FROM pg_class WHERE relnamespace::regnamespace::text !~ '^pg_|^inf' AND relkind IN ('r', 'v')
    UNION ALL
    SELECT 'schema', nspname, '', '', '', obj_description(oid) FROM pg_namespace
    WHERE nspname !~ '^pg_|^inf'
"""

RIGHTS = """
    SELECT name, CASE acl.grantee WHEN 0 THEN 'public' ELSE acl.grantee::regrole::text END,
        acl.privilege_type, acl.is_grantable
    FROM (
        SELECT relnamespace AS schema, oid::regclass::text AS name, coalesce(
            relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)
        ) AS rights
        FROM pg_class
        UNION ALL
        SELECT relnamespace, concat(attrelid::regclass, '.', attname), attacl
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        UNION ALL
        SELECT pronamespace, oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner))
        FROM pg_proc
    ) AS held CROSS JOIN LATERAL aclexplode(rights) AS acl
    WHERE schema::regnamespace::text !~ '^pg_|^information_schema$'
"""

# Much cheaper than SCHEMA: to create or alter an object writes a new row of the catalogue.
# Triggers are compared by whether they fire, because emptying a ledger disables and enables some,
# and tables by name, because TRUNCATE writes a new row.
FINGERPRINT = """
    SELECT string_agg(object, ' ' ORDER BY object) FROM (
        SELECT concat_ws('/', attrelid, attnum, xmin) FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT concat_ws('/', oid, xmin) FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT concat_ws('/', oid, xmin) FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT concat_ws('/', oid, xmin) FROM pg_namespace WHERE oid >= 16384
        UNION ALL SELECT concat_ws('/', indexrelid, xmin) FROM pg_index WHERE indexrelid >= 16384
        UNION ALL SELECT concat_ws('/', objoid, xmin) FROM pg_description WHERE objoid >= 16384
        UNION ALL SELECT concat_ws('/', oid, relname, relpersistence, relrowsecurity)
            FROM pg_class WHERE oid >= 16384
        UNION ALL SELECT concat_ws('/', oid, tgenabled, tgtype, tgfoid, tgqual)
            FROM pg_trigger WHERE oid >= 16384
        UNION ALL SELECT concat_ws('/', oid, xmin) FROM pg_rewrite WHERE oid >= 16384
    ) AS objects (object)
"""

# Empties only the tables that were used, because each takes a millisecond. The ledgers refuse
# TRUNCATE even from their owner, so their triggers are disabled meanwhile.
EMPTY = """
DO $$
DECLARE
    used name[] := (
        SELECT array_agg(relname) FROM pg_class
        WHERE relkind = 'r' AND oid >= 16384 AND pg_relation_size(oid) > 0
            AND relname <> 'migration_checksums' AND relname NOT LIKE '%yoyo%'
    );
    audio_runtime_and_audit name[] := (
        SELECT array_agg(relname) FROM pg_class
        WHERE relkind = 'r' AND relnamespace IN ('os_core'::regnamespace, 'audit'::regnamespace)
    );
    unguarded text := 'ALTER TABLE %s DISABLE TRIGGER refuse_truncate';
    guarded text := 'ALTER TABLE %s ENABLE ALWAYS TRIGGER refuse_truncate';
    other name;
    counter regclass;
BEGIN
    SET LOCAL lock_timeout = '5s';
    IF used && audio_runtime_and_audit THEN
        EXECUTE format(unguarded, 'os_core.audio_runtime_events');
        EXECUTE format(unguarded, 'audit.audit_events');
        TRUNCATE os_core.devices, audit.audit_events CASCADE;
        EXECUTE format(guarded, 'os_core.audio_runtime_events');
        EXECUTE format(guarded, 'audit.audit_events');
    END IF;
    FOR other IN SELECT unnest(used) EXCEPT SELECT unnest(audio_runtime_and_audit) LOOP
        EXECUTE format('TRUNCATE public.%I', other);
    END LOOP;
    FOR counter IN
        SELECT oid FROM pg_class WHERE relkind = 'S' AND pg_sequence_last_value(oid) > 0
    LOOP
        EXECUTE format('ALTER SEQUENCE %s RESTART', counter);
    END LOOP;
END $$
"""


def schema(url: str) -> list[str]:
    """Return every object that migrations create, as PostgreSQL describes it, sorted."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(SCHEMA).fetchall()
    return sorted(str(row) for row in rows if "yoyo" not in str(row))


def rights(url: str) -> set[tuple[str, str, str, bool]]:
    """Return who holds which right on what, and whether they may grant it."""
    with psycopg.connect(url) as connection:
        return {*connection.execute(RIGHTS).fetchall()}


def execute(url: str, statement: str) -> None:
    """Run one statement in its own transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def database(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return url.replace("/postgres?", f"/{name}?")


class Databases:
    """The databases of one test run, all made from one template.

    A connection to each stays open: to open one costs more than what it is used for.
    """

    def __init__(self, server_url: str, template: str, prefix: str = "test") -> None:
        self._server_url = server_url
        self.template = template
        self._prefix = prefix
        with psycopg.connect(database(server_url, template)) as connection:
            self._fingerprint = connection.execute(FINGERPRINT).fetchone()
        self._numbers = count(1)
        self._free: list[str] = []
        self._connections: dict[str, psycopg.Connection[Any]] = {}

    def take(self) -> str:
        """Return the URL of a migrated, empty database."""
        if self._free:
            return self._free.pop()
        name = f"{self._prefix}_{next(self._numbers)}"
        # The other strategy writes every page to the log, which takes twice as long.
        execute(
            self._server_url,
            f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY file_copy",
        )
        return database(self._server_url, name)

    def give_back(self, url: str) -> None:
        """Empty the database for the next test, or drop it when its schema was changed."""
        if self._is_unchanged(url):
            self._connections[url].execute(EMPTY)
            self._free.append(url)
        else:
            self._connections.pop(url).close()
            name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
            execute(self._server_url, f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()

    def _is_unchanged(self, url: str) -> bool:
        if url not in self._connections:
            self._connections[url] = psycopg.connect(url, autocommit=True)
        try:
            found = self._connections[url].execute(FINGERPRINT).fetchone()
        except psycopg.OperationalError:  # a test may end all connections of its database
            self._connections[url].close()
            self._connections[url] = psycopg.connect(url, autocommit=True)
            found = self._connections[url].execute(FINGERPRINT).fetchone()
        return bool(found == self._fingerprint)
