"""The application with each of the two backends, so that the same tests run with both."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import MakeApp
from tests.support.databases import Databases


@pytest.fixture
def events_file(tmp_path: Path) -> Path:
    """The path of the events file, which does not exist yet."""
    return tmp_path / "events.jsonl"


@pytest.fixture(params=["postgresql", "json_file"])
def event_app(
    request: pytest.FixtureRequest, make_app: MakeApp, events_file: Path
) -> Callable[..., Flask]:
    """Make applications that share a backend, as the processes of one service do."""

    def make(**settings: object) -> Flask:
        if request.param == "json_file":
            settings = {"database_url": None, "runtime_events_path": events_file, **settings}
        return make_app(**settings)

    return make


@pytest.fixture
def events(request: pytest.FixtureRequest, event_app: Callable[..., Flask]) -> FlaskClient:
    """A client of the application with the backend."""
    if request.node.callspec.params["event_app"] == "postgresql":
        return cast(FlaskClient, request.getfixturevalue("client"))
    return event_app().test_client()


@pytest.fixture
def file_client(make_app: MakeApp, events_file: Path) -> FlaskClient:
    """A client of the application with the file."""
    return make_app(database_url=None, runtime_events_path=events_file).test_client()


@pytest.fixture
def runtime_database_url(databases: Databases) -> Iterator[str]:
    """The URL of a second migrated, empty database."""
    url = databases.take()
    yield url
    databases.give_back(url)
