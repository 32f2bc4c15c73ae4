"""What every test stands on: a real PostgreSQL, a migrated database of its own, the application."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import dict_row

from app import create_app
from telemetry.config import Config
from telemetry.embedded import embedded_postgres
from telemetry.migrations import runner
from tests.service import Service

MakeApp = Callable[..., Flask]

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL that lives as long as the test run."""
    with embedded_postgres(tmp_path_factory.mktemp("postgres") / "data") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            # Nothing here has to outlive a power cut; tests of crashes have servers of their own.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """The name of a migrated database, to be cloned."""
    _execute(postgres, "CREATE DATABASE migrated")
    runner.migrate(database(postgres, "migrated"), lambda _: None)
    return "migrated"


@pytest.fixture
def database_url(postgres: str, template: str) -> Iterator[str]:
    """The URL of a migrated, empty database of the test's own."""
    name = f"test_{next(_numbers)}"
    _execute(postgres, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield database(postgres, name)
    _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_database_url(postgres: str) -> Iterator[str]:
    """The URL of a database of the test's own, with nothing in it."""
    name = f"test_{next(_numbers)}"
    _execute(postgres, f"CREATE DATABASE {name}")
    yield database(postgres, name)
    _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(database_url: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A connection of the test's own, to read what the service wrote."""
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def make_app(database_url: str) -> Iterator[MakeApp]:
    """Make applications over the test's database; keyword arguments are fields of Config."""
    apps: list[Flask] = []

    def make(**settings: Any) -> Flask:
        app = create_app(Config(**{"database_url": database_url, **settings}))
        apps.append(app)
        return app

    yield make
    for app in apps:
        for connected in (*app.extensions["databases"], *app.extensions["probes"]):
            connected.close()


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    """A client of the application with the default configuration."""
    return make_app().test_client()


@pytest.fixture
def start_service(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start services as the Procfile says; keyword arguments are environment variables."""
    services: list[Service] = []

    def start(**environ: str) -> Service:
        service = Service({"DATABASE_URL": database_url, **environ}, tmp_path)
        services.append(service)
        return service

    yield start
    for service in services:
        service.stop()


def database(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return url.replace("/postgres?", f"/{name}?")


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]
