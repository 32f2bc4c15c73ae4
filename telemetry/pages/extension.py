"""What the pages need of the application, which ``app.py`` puts together."""

from collections.abc import Callable, Sequence
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


class Changing(Protocol):
    """Where data is kept."""

    def token(self) -> str:
        """Return a text that is the same only while the data is."""


@dataclass(frozen=True)
class Pages:
    """The stores of the pages, and what other rooms do for them.

    ``changing`` has each database that is configured, and the events file, once.
    ``events`` is None where no runtime events are kept. ``readiness`` returns ``error``
    and ``failures`` of each database. ``verify`` checks a device of a tenant, and returns where
    the check began (``after``) and its ``findings``.
    """

    runs: RunPages
    events: EventPages | None
    devices: DevicePages
    status: StatusPages
    changing: Sequence[Changing]
    stale_after: timedelta
    attempts: Attempts
    readiness: Callable[[], Sequence[Any]]
    verify: Callable[[str, str], Any]

    def tokens(self) -> list[str]:
        """Return the change token of each place where data is kept."""
        return [it.token() for it in self.changing]


def pages() -> Pages:
    """Return those of the current application."""
    return cast(Pages, current_app.extensions["pages"])
