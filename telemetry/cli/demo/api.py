"""The runtime events of an API: its endpoints differ in speed, errors and use."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from telemetry.cli.demo.month import Month, around, busyness, pick

Event = dict[str, Any]

# Requests an hour when people are busiest.
BUSIEST = 70

IDEAS = [
    "idea-live-refresh",
    "idea-dark-mode",
    "idea-export-csv",
    "idea-team-feeds",
    "idea-weekly-mail",
    "idea-api-keys",
    "idea-mobile-charts",
]


@dataclass(frozen=True)
class Endpoint:
    """How an endpoint behaves: its median time, and its shares of errors of the server."""

    path: str
    method: str
    source: str
    share: float
    median_ms: float
    spread: float
    errors: float
    ideas: float = 0.0


ENDPOINTS = {
    it.path: it
    for it in (
        Endpoint("/api/ideas", "GET", "api", 34, 38, 0.5, 0.004, ideas=0.6),
        Endpoint("/api/ideas/search", "GET", "web_api", 16, 95, 0.7, 0.006, ideas=0.2),
        Endpoint("/api/runtime/summary", "GET", "api", 14, 120, 0.9, 0.021),
        Endpoint("/web/portfolio", "GET", "web", 13, 64, 0.5, 0.001),
        Endpoint("/api/ideas/vote", "POST", "web_api", 9, 52, 0.4, 0.003, ideas=0.9),
        Endpoint("/api/login", "POST", "web_api", 7, 210, 0.3, 0.002),
        Endpoint("/api/export", "POST", "api", 3, 2_400, 0.6, 0.077, ideas=0.3),
        Endpoint("/jobs/thumbnails", "POST", "worker", 4, 900, 0.4, 0.012),
    )
}

SHARES = {it.path: it.share for it in ENDPOINTS.values()}

# For the last hours of the month the export is slower than it was.
SLOW_SINCE_HOURS = 6


def events_of(month: Month) -> Iterator[tuple[Event, datetime]]:
    """Yield the events as clients send them, each with the time at which it was received."""
    for number, hour in month.slots(timedelta(hours=1)):
        chance = month.chance("events", number)
        for _ in range(round(BUSIEST * busyness(hour) * (0.9 + 0.2 * chance.random()))):
            moment = hour + chance.random() * timedelta(hours=1)
            yield _event(month, chance, moment), moment


def _event(month: Month, chance: Random, moment: datetime) -> Event:
    endpoint = ENDPOINTS[pick(chance, SHARES)]
    slower = 2.5 if endpoint.path == "/api/export" and _is_late(month, moment) else 1
    event: Event = {
        "id": f"rt_{chance.getrandbits(128):032x}",
        "source": endpoint.source,
        "endpoint": endpoint.path + ("?page=2" if chance.random() < 0.1 else ""),
        "method": endpoint.method,
        "status_code": _status(chance, endpoint),
        "runtime_ms": round(around(chance, endpoint.median_ms * slower, endpoint.spread), 2),
        "metadata": {"region": chance.choice(("eu", "eu", "us")), "cached": chance.random() < 0.3},
    }
    if chance.random() < endpoint.ideas:
        event["idea_id"] = IDEAS[min(int(chance.expovariate(0.6)), len(IDEAS) - 1)]
    return event


def _status(chance: Random, endpoint: Endpoint) -> int:
    if chance.random() < endpoint.errors:
        return chance.choice((500, 502, 503, 504))
    if chance.random() < 0.02:
        return chance.choice((400, 401, 404, 429))
    return 201 if endpoint.method == "POST" else 200


def _is_late(month: Month, moment: datetime) -> bool:
    return moment > month.ago(hours=SLOW_SINCE_HOURS)
