"""What the pages show of runtime events, in the database."""

from collections.abc import Sequence
from typing import Any

from telemetry.database import statements
from telemetry.database.database import Row
from telemetry.pages.reader import Reader

ENDPOINTS = statements.load("pages/endpoints")
ENDPOINT = statements.load("pages/endpoint")
ENDPOINT_OVER_TIME = statements.load("pages/endpoint_over_time")
IDEAS = statements.load("pages/ideas")
EVENT_RATES = statements.load("pages/event_rates")
# The one of the API: it changes when an event becomes visible.
CHANGE_TOKEN = statements.load("runtime_events/change_token")

Parameters = dict[str, Any]


class EventPages:
    """Reads runtime events for pages. Every method raises what Reader.fetch_all raises.

    A window is ``recorded_from``, ``recorded_until`` and ``source`` (None: any).
    """

    def __init__(self, database: Reader) -> None:
        self._database = database

    def token(self) -> str:
        """Return a text that changes with every new event."""
        return str(self._database.fetch_all(CHANGE_TOKEN)[0]["token"])

    def endpoints(self, window: Parameters, row_limit: int) -> Sequence[Row]:
        """Return the endpoints of a window, those with the most errors first."""
        return self._all(ENDPOINTS, {**window, "row_limit": row_limit})

    def endpoint(self, window: Parameters, endpoint: str) -> Row:
        """Return one endpoint of a window."""
        return self._all(ENDPOINT, {**window, "endpoint": endpoint})[0]

    def endpoint_over_time(self, window: Parameters, endpoint: str, step: Any) -> Sequence[Row]:
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
