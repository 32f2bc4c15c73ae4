"""sql/schema.sql is the database that the migrations make."""

import psycopg

from tests.support.databases import schema
from tests.support.schema_file import FILE, generate


def test_it_is_what_the_migrations_make(database_url):
    assert FILE.read_text(encoding="utf-8") == generate(database_url), "make schema writes it"


def test_it_creates_the_same_database(database_url, empty_database_url):
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(FILE.read_bytes())
    created, migrated = (
        # PostgreSQL groups a chain of ANDs in another way when it reads its own text.
        [row.replace("(", "").replace(")", "") for row in schema(url)]
        for url in (empty_database_url, database_url)
    )
    assert created == migrated
