"""What the pages need of the application, which ``app.py`` puts together."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, cast

from flask import Blueprint, current_app

from telemetry.pages.device_store import DevicePages
from telemetry.pages.event_store import EventPages
from telemetry.pages.status_store import StatusPages
from telemetry.pages.store import RunPages

blueprint = Blueprint("pages", __name__)


class Attempts(Protocol):
    """Counts attempts to sign in."""

    def hit(self, client: str) -> int | None:
        """Count an attempt; return None when it is one too many."""


@dataclass(frozen=True)
class Pages:
    """The stores of the pages, and what other rooms do for them.

    ``databases`` has the domains of each database that is configured, in the order of
    ``readiness``.
    ``events`` is None where no runtime events are kept. ``readiness`` returns ``error``
    and ``failures`` of each database. ``retention`` returns what is known of each table that it
    prunes. ``verify`` checks a device of a tenant, and returns where
    the check began (``after``) and its ``findings``. ``tokens`` counts those of the database, and
    is None where there can be none.
    """

    runs: RunPages
    events: EventPages | None
    devices: DevicePages
    status: StatusPages
    databases: Sequence[tuple[list[str], StatusPages]]
    stale_after: timedelta
    attempts: Attempts
    readiness: Callable[[], Sequence[Any]]
    retention: Callable[[Collection[str]], Sequence[Any]]
    verify: Callable[[str, str], Any]
    tokens: Callable[[], Any] | None


def pages() -> Pages:
    """Return those of the current application."""
    return cast(Pages, current_app.extensions["pages"])
