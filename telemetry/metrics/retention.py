"""What the metrics say of retention: that it stopped silently must show."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from telemetry.database.database import Row


class Kind(Protocol):
    """A table that retention prunes."""

    @property
    def name(self) -> str:
        """The domain that keeps it."""


class Failed(Protocol):
    """An attempt that failed."""

    @property
    def at(self) -> datetime:
        """When it failed."""

    @property
    def reason(self) -> str:
        """Why it failed."""


class Report(Protocol):
    """Retention of one table; the room of retention has it."""

    @property
    def kind(self) -> Kind:
        """Which table."""

    @property
    def older_than(self) -> timedelta | None:
        """The age that is configured."""

    @property
    def state(self) -> Row | None:
        """What the database knows of its passes."""

    @property
    def failure(self) -> str | None:
        """Why that can't be read."""

    @property
    def failed(self) -> Failed | None:
        """The last attempt, when it failed."""


def summary(reports: Sequence[Report]) -> dict[str, Any]:
    """Return what the JSON body says of each table with a retention."""
    return {
        it.kind.name: {
            "older_than_seconds": it.older_than.total_seconds() if it.older_than else None,
            "last_success_at": it.state and it.state["finished_at"],
            "last_failure_at": it.failed and it.failed.at,
            "error": it.failed.reason if it.failed else it.failure,
            "deleted_total": it.state["deleted_total"] if it.state else 0,
            "late": bool(it.state and it.state["is_late"]),
        }
        for it in reports
        if it.older_than
    }


def metrics(reports: Sequence[Report]) -> Iterator[Metric]:
    """Yield the metrics. What could not be read is left out, what is configured never is."""
    configured = GaugeMetricFamily(
        "telemetry_retention_configured_seconds",
        "The age from which retention deletes rows every day; 0: it does not",
        labels=["domain"],
    )
    for it in reports:
        age = it.older_than.total_seconds() if it.older_than else 0.0
        configured.add_metric([it.kind.name], age)
    if reports:
        yield configured
    yield _gauge(
        "telemetry_retention_last_success_timestamp_seconds",
        "When retention last deleted all that was old",
        reports,
        lambda it: it.state["finished_timestamp"] if it.state else None,
    )
    yield _gauge(
        "telemetry_retention_failed",
        "1 when the last attempt of retention failed",
        reports,
        lambda it: float(it.failed is not None) if it.failed or it.state else None,
    )
    deleted = CounterMetricFamily(
        "telemetry_retention_deleted_rows", "Rows that retention has deleted", labels=["domain"]
    )
    for it in reports:
        if it.state:
            deleted.add_metric([it.kind.name], it.state["deleted_total"])
    yield deleted


def _gauge(
    name: str, text: str, reports: Sequence[Report], value: Callable[[Report], float | None]
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["domain"])
    for it in reports:
        if (found := value(it)) is not None:
            family.add_metric([it.kind.name], found)
    return family
