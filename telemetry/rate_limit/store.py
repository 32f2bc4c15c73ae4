"""Counts requests, in the database or in this process."""

import logging
from typing import Protocol

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from telemetry.database import statements
from telemetry.database.database import Database
from telemetry.time_limits import RATE_LIMIT_SECONDS

logger = logging.getLogger(__name__)

HIT = statements.load("rate_limit/hit")


class HitStore(Protocol):
    """Counts the requests of clients."""

    def hit(self, client: str) -> int | None:
        """Count a request; return how many the last minute has, or None when it is one too many."""


class DatabaseHits:
    """Counts in the database, for all processes together."""

    def __init__(self, database: Database, allowance: int) -> None:
        self._database = database
        self._allowance = allowance

    def hit(self, client: str) -> int | None:
        """Count a request. Raises DatabaseUnavailable after RATE_LIMIT_SECONDS."""
        row = self._database.fetch_one(
            HIT, {"client": client, "allowance": self._allowance}, within=RATE_LIMIT_SECONDS
        )
        return row["used"] if row else None


class SureHits:
    """Counts in the database, and in this process while the database can't: always somewhere."""

    def __init__(self, database: Database, allowance: int) -> None:
        self._database = DatabaseHits(database, allowance)
        self._memory = MemoryHits(allowance)

    def hit(self, client: str) -> int | None:
        """Count a request. Does not raise."""
        try:
            return self._database.hit(client)
        except Exception as error:
            logger.warning("Counting in this process: %s: %s", type(error).__name__, error)
            return self._memory.hit(client)


class MemoryHits:
    """Counts in this process alone."""

    def __init__(self, allowance: int) -> None:
        self._item = RateLimitItemPerMinute(allowance)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, client: str) -> int | None:
        """Count a request."""
        if not self._limiter.hit(self._item, client):
            return None
        return self._item.amount - self._limiter.get_window_stats(self._item, client).remaining
