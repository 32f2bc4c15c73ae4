"""What the pages show of runtime events."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol

from telemetry.database import statements
from telemetry.database.database import Row
from telemetry.pages.reader import Reader

ENDPOINTS = statements.load("pages/endpoints")
ENDPOINT = statements.load("pages/endpoint")
ENDPOINT_OVER_TIME = statements.load("pages/endpoint_over_time")
IDEAS = statements.load("pages/ideas")
EVENT_RATES = statements.load("pages/event_rates")

Parameters = dict[str, Any]


class EventPages(Protocol):
    """Reads runtime events for pages: DatabaseEventPages, or FileFigures for the JSON file.

    A window is ``recorded_from``, ``recorded_until`` and ``source``, and for the endpoints also
    ``endpoint_prefix`` and ``idea_id``. None: any. The last two may be absent.
    """

    def token(self) -> str:
        """Return a text that changes with every new event."""

    def endpoints(
        self,
        window: Parameters,
        row_limit: int,
        *,
        sort: str = "errors",
        row_offset: int = 0,
        slow_limit: int = 0,
    ) -> Sequence[Row]:
        """Return a page of the endpoints of a window, and the slowest of all by p95.

        They are in the order of ``sort``: the largest first, or by name. ``place`` is the one in
        that order, and ``slow_place`` the one by p95, both from 1.
        """

    def endpoint(self, window: Parameters, endpoint: str) -> Row:
        """Return one endpoint of a window."""

    def endpoint_over_time(
        self, window: Parameters, endpoint: str, step: timedelta
    ) -> Sequence[Row]:
        """Return one endpoint in the bars of a window; bars without an event are left out."""

    def ideas(self, window: Parameters, row_limit: int) -> Sequence[Row]:
        """Return the ideas of a window, the most expensive first."""

    def rates(self) -> Row:
        """Return how many events the last hour has."""


class DatabaseEventPages:
    """The EventPages of the database. Every method raises what Reader.fetch_all raises."""

    def __init__(self, database: Reader, token: Callable[[], str]) -> None:
        """``token`` returns the change token of the API."""
        self._database = database
        self._token = token

    def token(self) -> str:
        """Return a text that changes with every new event."""
        return self._token()

    def endpoints(
        self,
        window: Parameters,
        row_limit: int,
        *,
        sort: str = "errors",
        row_offset: int = 0,
        slow_limit: int = 0,
    ) -> Sequence[Row]:
        """Return a page of the endpoints in the order of ``sort``, and the slowest by p95."""
        page = {"row_limit": row_limit, "row_offset": row_offset, "slow_limit": slow_limit}
        filters = {"endpoint_prefix": None, "idea_id": None, **window}
        return self._all(ENDPOINTS, {**filters, **page, "sort": sort})

    def endpoint(self, window: Parameters, endpoint: str) -> Row:
        """Return one endpoint of a window."""
        return self._all(ENDPOINT, {**window, "endpoint": endpoint})[0]

    def endpoint_over_time(
        self, window: Parameters, endpoint: str, step: timedelta
    ) -> Sequence[Row]:
        """Return one endpoint in the bars of a window; bars without an event are left out."""
        return self._all(ENDPOINT_OVER_TIME, {**window, "endpoint": endpoint, "step": step})

    def ideas(self, window: Parameters, row_limit: int) -> Sequence[Row]:
        """Return the ideas of a window, the most expensive first."""
        return self._all(IDEAS, {**window, "row_limit": row_limit})

    def rates(self) -> Row:
        """Return how many events the last hour has."""
        return self._all(EVENT_RATES, {})[0]

    def _all(self, statement: bytes, parameters: Parameters) -> Sequence[Row]:
        return self._database.fetch_all(statement, parameters, prepare=False)
