"""Databases for tests: migrated, empty, and used again where that is safe.

Cloning the template takes longer than most tests, so a database is emptied and handed to
the next test, unless the test changed its schema or wrote to a table that can't be emptied.
"""

from itertools import count
from typing import Any

import psycopg

KEPT = ("migration_checksums", "yoyo_lock", "_yoyo_log", "_yoyo_migration", "_yoyo_version")

SCHEMA = """
    SELECT 'column', attrelid::regclass::text, attname, format_type(atttypid, atttypmod),
        attnotnull::text, col_description(attrelid, attnum)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE attnum > 0 AND NOT attisdropped AND relnamespace::regnamespace::text !~ '^pg_|^inf'
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
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
    SELECT 'table', oid::regclass::text, relkind::text, relpersistence::text, '',
        obj_description(oid)
    FROM pg_class WHERE relnamespace::regnamespace::text !~ '^pg_|^inf' AND relkind IN ('r', 'v')
    UNION ALL
    SELECT 'schema', nspname, '', '', '', obj_description(oid) FROM pg_namespace
    WHERE nspname !~ '^pg_|^inf'
"""

TABLES = """
    SELECT oid::regclass::text, relnamespace::regnamespace::text FROM pg_class
    WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^pg_|^inf'
"""


def schema(url: str) -> list[str]:
    """Return everything that migrations make, as PostgreSQL describes it, sorted."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(SCHEMA).fetchall()
    return sorted(str(row) for row in rows if "yoyo" not in str(row))


def execute(url: str, statement: str) -> None:
    """Run one statement in a transaction of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def database(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return url.replace("/postgres?", f"/{name}?")


class Databases:
    """The databases of one test run, all made from one template."""

    def __init__(self, server_url: str, template: str) -> None:
        self._server_url = server_url
        self._template = template
        self._schema = schema(database(server_url, template))
        self._numbers = count(1)
        self._free: list[str] = []

    def take(self) -> str:
        """Return the URL of a migrated, empty database."""
        if self._free:
            return self._free.pop()
        name = f"test_{next(self._numbers)}"
        execute(self._server_url, f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return database(self._server_url, name)

    def give_back(self, url: str) -> None:
        """Empty the database for the next test, or drop it when it can't be made as new."""
        if schema(url) == self._schema and self._emptied(url):
            self._free.append(url)
        else:
            name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
            execute(self._server_url, f"DROP DATABASE {name} WITH (FORCE)")

    def _emptied(self, url: str) -> bool:
        with psycopg.connect(url, autocommit=True) as connection:
            tables: list[Any] = connection.execute(TABLES).fetchall()
            public = [name for name, room in tables if room == "public" and name not in KEPT]
            for name, room in tables:
                # The ledgers refuse to be emptied, as they should.
                if room != "public" and connection.execute(f"SELECT FROM {name} LIMIT 1").rowcount:
                    return False
            connection.execute("SET lock_timeout = '5s'")
            connection.execute(f"TRUNCATE {', '.join(public)} RESTART IDENTITY")
        return True
