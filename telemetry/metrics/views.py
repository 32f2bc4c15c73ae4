"""The HTTP side of metrics."""

from collections.abc import Sequence
from typing import Protocol, cast

from flask import Blueprint, Response, current_app, request

from telemetry.database.database import Row
from telemetry.http.caller import needs
from telemetry.http.responses import json_response
from telemetry.metrics.exposition import exposition, is_scraper, summary
from telemetry.metrics.retention import Report
from telemetry.metrics.store import MetricStore

blueprint = Blueprint("metrics", __name__)


class Runs(Protocol):
    """The store of runs, which another room has."""

    def metrics(self) -> Sequence[Row]:
        """Return ``agent_name``, ``total_runs`` and ``recent_24h`` of every agent."""


class Retention(Protocol):
    """The store of retention, which another room has."""

    @property
    def is_configured(self) -> bool:
        """Whether any table has a retention."""

    def reports(self) -> Sequence[Report]:
        """Return what is known of each table."""


@blueprint.get("/metrics")
@needs("runs:read", every_agent=True)
def get() -> Response:
    """Return how many runs there are as JSON, or everything that is counted for Prometheus."""
    runs = cast(Runs, current_app.extensions["runs"])
    retention = cast(Retention, current_app.extensions["retention"])
    accept = request.headers.get("Accept", "")
    if not is_scraper(accept):
        reports = retention.reports() if retention.is_configured else ()
        return json_response(summary(runs.metrics(), reports))
    state = cast(MetricStore, current_app.extensions["metrics"]).state(
        runs.metrics, retention.reports
    )
    text, content_type = exposition(state, accept)
    return Response(text, content_type=content_type)
