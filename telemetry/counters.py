"""What the service counts about itself, for Prometheus. Every set of labels is bounded.

The statuses, routes and names here and in the rooms are the only labels, whatever clients send.
"""

from telemetry import shared_memory
from telemetry.series import ALL, Histogram, Requests, Series
from telemetry.shared_names import SharedNames

DOMAINS = ("agent_runs", "runtime_events", "audio_runtime")
OUTCOMES = ("created", "duplicate", "completed", "refused")

# Those that can differ from the record that is stored; and the one that can be completed.
WITH_DIFFERENCES = ("agent_runs", "audio_runtime")
WITH_COMPLETION = "agent_runs"

DATABASES = ("records", "runtime_events")
# Those that a response may have; "other" stands for what a proxy or a later release adds.
STATUSES = (
    *("200", "201", "204", "302", "303", "304"),
    *("400", "401", "403", "404", "405", "408", "409", "413", "415", "422", "429"),
    *("500", "503", "other"),
)

# The agents that have series of their own; their names have up to 255 characters of up to 4 bytes.
AGENTS = SharedNames(100, most_bytes=255 * 4)

SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)

REQUESTS = Requests(
    "telemetry_http_request_duration_seconds",
    "Time from the first step of a request to its response, by route pattern",
    SECONDS,
    STATUSES,
)
RECORDS = Series(
    "telemetry_records",
    "Records that were sent, by what happened to them",
    "counter",
    without=[(it, "completed") for it in DOMAINS if it != WITH_COMPLETION],
    domain=DOMAINS,
    outcome=OUTCOMES,
)
DIFFERING = Series(
    "telemetry_differing_records",
    "Duplicates that differ from the record that is stored",
    "counter",
    domain=WITH_DIFFERENCES,
)
BATCHES = Histogram(
    "telemetry_batch_records",
    "Records in a batch",
    (1, 10, 100, 1000, 10_000),
    domain=DOMAINS,
)
GROUPS = Histogram(
    "telemetry_group_commit_records",
    "Records that shared one commit",
    (1, 2, 4, 8, 16, 32, 64, 100),
    domain=DOMAINS,
)
IN_USE = Series(
    "telemetry_db_pool_connections_in_use",
    "Connections that are in use",
    "gauge",
    database=DATABASES,
)
MOST_CONNECTIONS = Series(
    "telemetry_db_pool_connections_max",
    "Connections that the pools of all workers may open together",
    "gauge",
    database=DATABASES,
)
USE_SECONDS = Series(
    "telemetry_db_pool_use_seconds",
    "Time for which connections were in use; its rate is how many were, on average",
    "counter",
    database=DATABASES,
)
WAIT_SECONDS = Histogram(
    "telemetry_db_pool_wait_seconds",
    "Time that a request waited for a connection",
    (0.001, 0.01, 0.1, 1.0, 5.0),
    database=DATABASES,
)
FAILED_WAITS = Series(
    "telemetry_db_pool_failed_waits",
    "Waits of requests that ended without a connection",
    "counter",
    database=DATABASES,
)


def count_batch(domain: str, total: int, *, differing: int = 0, **outcomes: int) -> None:
    """Count a batch of ``total`` records, and how many of them had each outcome.

    Those that are ``differing`` are among the duplicates.
    """
    BATCHES.observer(domain)(total)
    for outcome, records in outcomes.items():
        RECORDS.at(domain, outcome).add(records)
    if differing:
        DIFFERING.at(domain).add(differing)


def count_record(domain: str, outcome: str, *, differs: bool = False) -> None:
    """Count a record that was sent alone and not refused."""
    RECORDS.at(domain, outcome).add()
    if differs:
        DIFFERING.at(domain).add()


def end_gauges(slot: int) -> None:
    """Set the gauges in the slot of a worker that has ended to 0. For gunicorn's master."""
    for series in ALL:
        if series.kind == "gauge":
            shared_memory.clear(slot, series.numbers)
