"""The bodies of ``/metrics``: JSON, or text for Prometheus.

The counts are read from the database for every request, so all worker processes agree.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from telemetry.database.database import Row

EXPOSITIONS = {"text/plain", "application/openmetrics-text"}


def is_scraper(accept: str) -> bool:
    """Return whether an Accept header prefers a format of Prometheus to JSON."""
    wanted = {
        kind.split(";")[0].lower(): quality
        for kind, quality in parse_accept_header(accept, MIMEAccept)
    }
    text = max(wanted.get(kind, 0) for kind in EXPOSITIONS)
    return text > wanted.get("application/json", 0)


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the JSON body."""
    return {
        "total_runs": sum(row["total_runs"] for row in rows),
        "agents": {row["agent_name"]: row["total_runs"] for row in rows},
        "recent_24h": sum(row["recent_24h"] for row in rows),
    }


def exposition(rows: Sequence[Row], accept: str) -> tuple[bytes, str]:
    """Return the Prometheus or OpenMetrics text that ``accept`` prefers, and its content type."""
    registry = CollectorRegistry()
    registry.register(_Runs(rows))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Runs(Collector):
    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def collect(self) -> Iterator[GaugeMetricFamily]:
        # Gauges, not counters: a DBA may delete runs, and then the number falls.
        runs = GaugeMetricFamily("telemetry_runs", "Runs stored", labels=["agent_name"])
        recent = GaugeMetricFamily(
            "telemetry_runs_recent_24h",
            "Runs created in the last 24 hours",
            labels=["agent_name"],
        )
        for row in self._rows:
            runs.add_metric([row["agent_name"]], row["total_runs"])
            recent.add_metric([row["agent_name"]], row["recent_24h"])
        yield runs
        yield recent
