"""The bodies of ``/metrics``: JSON, or text for Prometheus."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from telemetry import __version__, counters
from telemetry.database.database import Row
from telemetry.metrics.store import State

EXPOSITIONS = {"text/plain", "application/openmetrics-text"}

# Agents have names that clients choose. Those beyond this many, with the fewest runs, are one.
MAX_AGENTS = 100
OTHER_AGENTS = "(other)"


class Scrape(NamedTuple):
    """What a scrape has read; ``most_connections`` is what all pools may open together."""

    runs: Sequence[Row]
    state: State
    most_connections: int


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


def exposition(scrape: Scrape, accept: str) -> tuple[bytes, str]:
    """Return the Prometheus or OpenMetrics text that ``accept`` prefers, and its content type."""
    registry = CollectorRegistry()
    registry.register(_All(scrape))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _All(Collector):
    def __init__(self, scrape: Scrape) -> None:
        self._scrape = scrape

    def collect(self) -> Iterator[Metric]:
        state = self._scrape.state
        yield _gauge("telemetry_build_info", "The release", {(__version__,): 1}, "version")
        yield _gauge(
            "telemetry_database_up",
            "Whether the database can be used",
            {(name,): float(up) for name, up in state.up.items()},
            "database",
        )
        if verify := state.last_verify:
            age, findings = verify["age_seconds"], verify["findings"]
            yield _gauge("telemetry_ledger_verify_age_seconds", "Since the last verify", {(): age})
            yield _gauge("telemetry_ledger_verify_findings", "Of the last verify", {(): findings})
        yield _gauge(
            "telemetry_db_pool_connections_max",
            "Connections that all workers may open together, for each database",
            {(): self._scrape.most_connections},
        )
        yield from _runs(self._scrape.runs)
        numbers = counters.read_all()
        for series in counters.ALL:
            yield _counted(series, numbers)


def _gauge(
    name: str, text: str, values: dict[tuple[str, ...], float], *labels: str
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for row, value in values.items():
        family.add_metric(row, value)
    return family


def _runs(rows: Sequence[Row]) -> Iterator[GaugeMetricFamily]:
    """Yield the runs by agent. Gauges, not counters: a DBA may delete runs."""
    largest = sorted(rows, key=lambda row: (-row["total_runs"], row["agent_name"]))
    kept, others = largest[:MAX_AGENTS], largest[MAX_AGENTS:]
    for name, column, text in (
        ("telemetry_runs", "total_runs", "Runs stored"),
        ("telemetry_runs_recent_24h", "recent_24h", "Runs created in the last 24 hours"),
    ):
        values: dict[tuple[str, ...], float] = {
            (row["agent_name"],): float(row[column]) for row in kept
        }
        if others:
            values[OTHER_AGENTS,] = sum(row[column] for row in others)
        yield _gauge(name, text, values, "agent_name")


def _counted(series: counters.Series, numbers: Sequence[float]) -> Metric:
    """Return what the processes have counted."""
    labels = series.label_names
    if isinstance(series, counters.Histogram):
        histogram = HistogramMetricFamily(series.name, series.text, labels=labels)
        bounds = [*map(str, series.bounds), "+Inf"]
        for sample in series.samples(numbers):
            total, *buckets = sample.numbers
            cumulative = [*zip(bounds, accumulate(buckets), strict=True)]
            histogram.add_metric(sample.labels, cumulative, total)
        return histogram
    kind = CounterMetricFamily if series.kind == "counter" else GaugeMetricFamily
    family = kind(series.name, series.text, labels=labels)
    for sample in series.samples(numbers):
        family.add_metric(sample.labels, sample.numbers[0])
    return family
