"""Counting each request by its route and status, and the records that were refused."""

from flask import Flask, Request

from telemetry.counters import RECORDS, REQUESTS, STATUSES
from telemetry.http import server_refusals  # noqa: F401 - its counter needs a place, too

# A request without a route, such as one of an unknown path, or whose method the route lacks.
UNKNOWN = ("other", "unknown")

# A response with one of these refused the record that the request sent.
REFUSED = frozenset({400, 403, 404, 409, 413, 415, 422})

_columns = {int(it): REQUESTS.width * n for n, it in enumerate(STATUSES) if it != "other"}
_other = REQUESTS.width * STATUSES.index("other")


def init_app(app: Flask) -> None:
    """Name the application's routes. Every blueprint must be registered before."""
    routes = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    REQUESTS.name_routes([UNKNOWN, *sorted(routes)])


def observe(request: Request, status: int, seconds: float) -> None:
    """Count a request."""
    rule = request.url_rule
    routes = REQUESTS.routes
    method = "GET" if request.method == "HEAD" else request.method
    start = routes.get((method, rule.rule)) if rule else None
    if start is None:
        start = routes[UNKNOWN]
    REQUESTS.observe_at(start + _columns.get(status, _other), seconds)
    if status in REFUSED and rule and rule.endpoint in _REFUSING:
        _REFUSING[rule.endpoint].add()


# The views that take one record each. Batches count the records that they refuse themselves.
_REFUSING = {
    "runs.create": RECORDS.at("agent_runs", "refused"),
    "runtime_events.create": RECORDS.at("runtime_events", "refused"),
    "audio_runtime.append": RECORDS.at("audio_runtime", "refused"),
}
