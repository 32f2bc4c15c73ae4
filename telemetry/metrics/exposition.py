"""The bodies of ``/metrics``: JSON, or text for Prometheus."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from telemetry import __version__, counters, series
from telemetry.database.database import Row
from telemetry.metrics import retention
from telemetry.metrics.store import State

EXPOSITIONS = {"text/plain", "application/openmetrics-text"}

# The agents that have no series of their own.
OTHER_AGENTS = "(other)"


def is_scraper(accept: str) -> bool:
    """Return whether an Accept header prefers a format of Prometheus to JSON."""
    wanted = {
        kind.split(";")[0].lower(): quality
        for kind, quality in parse_accept_header(accept, MIMEAccept)
    }
    text = max(wanted.get(kind, 0) for kind in EXPOSITIONS)
    return text > wanted.get("application/json", 0)


def summary(rows: Sequence[Row], reports: Sequence[retention.Report]) -> dict[str, Any]:
    """Return the JSON body. It has ``retention`` where any is configured."""
    body = {
        "total_runs": sum(row["total_runs"] for row in rows),
        "agents": {row["agent_name"]: row["total_runs"] for row in rows},
        "recent_24h": sum(row["recent_24h"] for row in rows),
    }
    return {**body, "retention": retention.summary(reports)} if reports else body


def exposition(state: State, accept: str) -> tuple[bytes, str]:
    """Return the Prometheus or OpenMetrics text that ``accept`` prefers, and its content type."""
    registry = CollectorRegistry()
    registry.register(_All(state))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _All(Collector):
    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        yield _gauge("telemetry_build_info", "The release", {(__version__,): 1}, "version")
        yield from _databases(self._state)
        if verify := self._state.last_verify:
            age, findings = verify["age_seconds"], verify["findings"]
            yield _gauge("telemetry_ledger_verify_age_seconds", "Since the last verify", {(): age})
            yield _gauge("telemetry_ledger_verify_findings", "Of the last verify", {(): findings})
        yield from retention.metrics(self._state.retention)
        if self._state.runs is not None:
            yield from _runs(self._state.runs)
        numbers = series.read_all()
        for each in series.ALL:
            yield _counted(each, numbers)
        yield _responses(numbers)


def _databases(state: State) -> Iterator[Metric]:
    for name, text, found in (
        ("telemetry_database_up", "Whether the database can be used", state.up),
        ("telemetry_database_writable", "Whether the database accepts writes", state.writable),
    ):
        values: dict[tuple[str, ...], float] = {(it,): float(yes) for it, yes in found.items()}
        yield _gauge(name, text, values, "database")


def _gauge(
    name: str, text: str, values: Mapping[tuple[str, ...], float], *labels: str
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for row, value in values.items():
        family.add_metric(row, value)
    return family


def _runs(rows: Sequence[Row]) -> Iterator[Metric]:
    """Yield the runs by agent. Gauges, not counters: a DBA may delete runs.

    While the service runs, no more agents get a series than counters.AGENTS holds: first those with
    the most runs. The others, and an agent that has their name, are counted together.
    """
    largest = sorted(rows, key=lambda row: (-row["total_runs"], row["agent_name"]))
    names = (row["agent_name"] for row in largest if row["agent_name"] != OTHER_AGENTS)
    own = counters.AGENTS.keep(names)
    for name, column, text in (
        ("telemetry_runs", "total_runs", "Runs stored"),
        ("telemetry_runs_recent_24h", "recent_24h", "Runs created in the last 24 hours"),
    ):
        values: Counter[tuple[str, ...]] = Counter()
        for row in rows:
            agent = row["agent_name"] if row["agent_name"] in own else OTHER_AGENTS
            values[agent,] += row[column]
        yield _gauge(name, text, values, "agent_name")


def _responses(numbers: Sequence[float]) -> Metric:
    """Return the responses by class, each from the start: a rate misses the birth of a series."""
    found = dict.fromkeys(("2xx", "3xx", "4xx", "5xx"), 0.0)
    for sample in counters.REQUESTS.samples(numbers):
        status = sample.labels[-1]
        if (name := f"{status[0]}xx") in found:
            found[name] += sum(sample.numbers[1:])
    family = CounterMetricFamily("telemetry_http_responses", "Responses by class", labels=["class"])
    for name, count in found.items():
        family.add_metric([name], count)
    return family


def _counted(each: series.Series, numbers: Sequence[float]) -> Metric:
    """Return what the processes have counted."""
    labels = each.label_names
    if isinstance(each, series.Histogram):
        histogram = HistogramMetricFamily(each.name, each.text, labels=labels)
        bounds = [*map(floatToGoString, each.bounds), "+Inf"]
        for sample in each.samples(numbers):
            total, *buckets = sample.numbers
            cumulative = [*zip(bounds, accumulate(buckets), strict=True)]
            histogram.add_metric(sample.labels, cumulative, total)
        return histogram
    kind = CounterMetricFamily if each.kind == "counter" else GaugeMetricFamily
    family = kind(each.name, each.text, labels=labels)
    for sample in each.samples(numbers):
        family.add_metric(sample.labels, sample.numbers[0])
    return family
