"""What every test stands on: a real PostgreSQL, a migrated database of its own, the application."""

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import dict_row

from app import create_app
from telemetry.config import Config
from telemetry.database.embedded import embedded_postgres
from telemetry.migrations import runner
from tests.support.citus import distributed
from tests.support.databases import Databases, database, execute
from tests.support.distributed import Distributed
from tests.support.documents import Shell
from tests.support.rights import create_serving_role, serving
from tests.support.server import Server, copy_cluster, folder
from tests.support.service import Service

MakeApp = Callable[..., Flask]

# A shell starts a job in the background with these ignored, and what the tests start inherits it.
# An interrupt then ends the run with its summary, as in the foreground.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


# A test that has one of these speaks HTTP.
SPEAKS_HTTP = {"client", "make_app", "default_app", "start_service", "default_service", "service"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of make test-citus."""
    parser.addoption(
        "--distributed",
        action="store_true",
        help="run the tests that speak HTTP on a cluster of Citus, from CITUS_PGBIN",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, with --distributed, what does not speak HTTP."""
    if not config.getoption("distributed"):
        return
    others = [it for it in items if not _is_for_a_cluster(it)]
    config.hook.pytest_deselected(items=others)
    items[:] = [it for it in items if _is_for_a_cluster(it)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Report a test for one node as skipped, with its reason, where it would run on a cluster."""
    marker = item.get_closest_marker("one_node")
    if marker and item.config.getoption("distributed"):
        pytest.skip(f"for one node: {marker.args[0]}")


def _is_for_a_cluster(item: pytest.Item) -> bool:
    names = {*getattr(item, "fixturenames", ())}
    return "tests/citus/" in item.nodeid or bool("databases" in names and names & SPEAKS_HTTP)


@pytest.fixture(scope="session")
def migrated_cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a migrated PostgreSQL that does not run, to copy and start.

    The first process of the test run makes it for all of them.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    cluster = shared / "migrated_cluster"
    with (shared / "migrated_cluster.lock").open("w") as lock, folder() as parent:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not cluster.exists():
            with embedded_postgres(parent / "data") as url:
                runner.migrate(url, lambda _: None)
                create_serving_role(url)
            copy_cluster(parent / "data", shared / "unfinished_cluster")
            (shared / "unfinished_cluster").rename(cluster)
    return cluster


@pytest.fixture(scope="session")
def postgres(migrated_cluster: Path) -> Iterator[str]:
    """The URL of a PostgreSQL that lives as long as the test run, with an empty database."""
    with folder() as parent:
        copy_cluster(migrated_cluster, parent / "data")
        with embedded_postgres(parent / "data") as url:
            # Nothing here has to outlive a power cut; tests of crashes have servers of their own.
            execute(url, "ALTER SYSTEM SET fsync = off")
            execute(url, "SELECT pg_reload_conf()")
            execute(database(url, "template1"), "ALTER DATABASE postgres RENAME TO migrated")
            execute(database(url, "template1"), "CREATE DATABASE postgres")
            yield url


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Migrated databases, for the taking."""
    if request.config.getoption("distributed"):
        with distributed() as cluster:
            databases = Distributed(cluster)
            yield databases
            databases.close()
        return
    postgres = request.getfixturevalue("postgres")
    databases = Databases(postgres, "migrated")
    yield databases
    databases.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The URL of a migrated, empty database of the test's own."""
    url = databases.take()
    yield url
    databases.give_back(url)


@pytest.fixture
def empty_database_url(postgres: str) -> Iterator[str]:
    """The URL of a database of the test's own, with nothing in it."""
    execute(postgres, "CREATE DATABASE nothing")
    yield database(postgres, "nothing")
    execute(postgres, "DROP DATABASE nothing WITH (FORCE)")


@pytest.fixture
def server(migrated_cluster: Path) -> Iterator[Server]:
    """A migrated PostgreSQL of the test's own, running, to freeze, kill and restart."""
    with folder() as parent:
        copy_cluster(migrated_cluster, parent / "data")
        server = Server(parent / "data")
        server.start()
        yield server
        server.stop()


@pytest.fixture
def db(
    request: pytest.FixtureRequest, database_url: str
) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A connection of the test's own, to read what the service wrote."""
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        if request.config.getoption("distributed"):
            # One GRANT may name tables of which Citus changes some by several connections.
            connection.execute("SET citus.multi_shard_modify_mode = sequential")
        yield connection


@pytest.fixture
def make_app(database_url: str) -> Iterator[MakeApp]:
    """Make applications over the test's database; keyword arguments are fields of Config.

    They connect as the role that serves, unless ``as_owner``.
    """
    apps: list[Flask] = []

    def make(*, as_owner: bool = False, **settings: Any) -> Flask:
        settings = {"database_url": database_url, **settings}
        for name in ("database_url", "runtime_database_url"):
            if settings.get(name) and not as_owner:
                settings[name] = serving(settings[name])
        app = create_app(Config(**settings))
        apps.append(app)
        return app

    yield make
    for app in apps:
        _close(app)


@pytest.fixture(scope="session")
def default_app() -> Iterator[Callable[[str], Flask]]:
    """The application with the default configuration over a database, the same for all its tests.

    It serves many tests as it serves many requests: to make one takes longer than most tests.
    """
    apps: dict[str, Flask] = {}

    def default(url: str) -> Flask:
        if url not in apps:
            apps[url] = create_app(Config(database_url=serving(url)))
        return apps[url]

    yield default
    for app in apps.values():
        _close(app)


@pytest.fixture
def client(default_app: Callable[[str], Flask], database_url: str) -> FlaskClient:
    """A client of the application with the default configuration."""
    return default_app(database_url).test_client()


def _close(app: Flask) -> None:
    for opened in app.extensions["databases"]:
        opened.close()


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    """Run commands as the documents show them, in a folder of the test's own."""
    return Shell(tmp_path, database_url)


@pytest.fixture
def start_service(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start services as the Procfile says; keyword arguments are environment variables.

    They connect as the role that serves.
    """
    services: list[Service] = []

    def start(**environ: str) -> Service:
        environ = {"DATABASE_URL": database_url, **environ}
        urls = {name: serving(text) for name, text in environ.items() if name.endswith("_URL")}
        service = Service(environ | urls, tmp_path)
        services.append(service)
        return service

    yield start
    for service in services:
        service.kill()
