"""The browser, and services over a month of data, over no data, and behind a token."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.services import TOKEN, Start, fill_with_demo, services
from tests.browser.visit import Visit, visit
from tests.support.databases import Databases
from tests.support.rights import serving
from tests.support.runs import minimal_run
from tests.support.service import Service

numbers = count(1)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start services with two workers that live as long as the test run, as the serving role."""
    with services(tmp_path_factory.mktemp("services")) as starter:

        def start(**environ: str) -> Service:
            urls = {name: serving(it) for name, it in environ.items() if name.endswith("_URL")}
            return starter(**environ | urls)

        yield start


@pytest.fixture(scope="session")
def month_url(databases: Databases) -> str:
    """The URL of a database with the month of the demo. No test changes it."""
    url = databases.take()
    fill_with_demo(url)
    return url


@pytest.fixture(scope="session")
def month(start: Start, month_url: str) -> Service:
    """A service over the month."""
    return start(DATABASE_URL=month_url)


@pytest.fixture(scope="session")
def blank(start: Start, databases: Databases) -> Service:
    """A service over an empty database. No test changes it."""
    return start(DATABASE_URL=databases.take())


@pytest.fixture(scope="session")
def locked(start: Start, month_url: str) -> Service:
    """A service over the month that asks for a token."""
    return start(
        DATABASE_URL=month_url, TELEMETRY_API_AUTH_ENABLED="true", TELEMETRY_API_AUTH_TOKEN=TOKEN
    )


@pytest.fixture(scope="module")
def own_url(databases: Databases) -> str:
    """The URL of an empty database for the tests of one module."""
    return databases.take()


@pytest.fixture(scope="module")
def own(start: Start, own_url: str) -> Service:
    """A service over the module's database."""
    return start(DATABASE_URL=own_url)


@pytest.fixture
def post(own: Service) -> Callable[..., str]:
    """Create a run in the module's database; returns its event_id."""

    def create(**fields: object) -> str:
        name = f"live-{next(numbers)}"
        run = minimal_run(name, created_at=datetime.now(UTC).isoformat(), **fields)
        assert httpx.post(f"{own.url}/api/v1/runs", json=run).status_code == 201
        return name

    return create


@pytest.fixture
def live(browser: Browser, own: Service) -> Iterator[Visit]:
    """A page whose clock stands still but for what a test lets pass."""
    with visit(browser, own.url) as visited:
        visited.page.clock.install()
        yield visited
