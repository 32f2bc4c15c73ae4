"""Databases whose runtime events are partitioned, and the application over them."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import MakeApp
from tests.support.databases import Databases, database, execute
from tests.support.partitions import partition_by_day


@pytest.fixture(scope="session")
def partitioned_databases(postgres: str) -> Iterator[Databases]:
    """Databases that are partitioned and empty, for the taking."""
    execute(postgres, "CREATE DATABASE partitioned TEMPLATE migrated STRATEGY file_copy")
    partition_by_day(database(postgres, "partitioned"))
    databases = Databases(postgres, "partitioned", prefix="partitioned")
    yield databases
    databases.close()


@pytest.fixture
def plain_url(databases: Databases) -> Iterator[str]:
    """The URL of a migrated database that is not partitioned."""
    url = databases.take()
    yield url
    databases.give_back(url)


@pytest.fixture
def database_url(partitioned_databases: Databases) -> Iterator[str]:
    """The URL of a partitioned, empty database of the test's own."""
    url = partitioned_databases.take()
    yield url
    partitioned_databases.give_back(url)


@pytest.fixture
def event_app(make_app: MakeApp) -> Callable[..., Flask]:
    """Make applications over the partitioned database."""
    return make_app


@pytest.fixture
def events(client: FlaskClient) -> FlaskClient:
    """A client of the application over the partitioned database."""
    return client
