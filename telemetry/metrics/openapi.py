"""The description of the endpoint of metrics."""

from telemetry.openapi.operation import Operation, Parameter, Reply
from telemetry.openapi.shapes import (
    COUNT,
    FLAG,
    NUMBER,
    TIMESTAMP,
    counts_by_name,
    members,
)

TAG = "What the service counts, as JSON for people and as text for Prometheus"

PARAMETERS: dict[str, Parameter] = {}

EXPOSITION = """\
# HELP telemetry_database_up Whether the database can be used
# TYPE telemetry_database_up gauge
telemetry_database_up{database="records"} 1
"""

RETENTION = {
    "type": "object",
    "additionalProperties": members(
        older_than_seconds=NUMBER,
        last_success_at={"anyOf": [TIMESTAMP, {"type": "null"}]},
        last_failure_at={"anyOf": [TIMESTAMP, {"type": "null"}]},
        error={"type": ["string", "null"]},
        deleted_total=COUNT,
        late=FLAG,
    ),
    "description": "By domain, where a retention is configured: what retention did",
}

OPERATIONS = {
    "get": Operation(
        "Count runs, or get all metrics",
        {
            200: Reply(
                "The counts; Prometheus exposition for a scraper that accepts text/plain or"
                " OpenMetrics",
                members(
                    sometimes=("retention",),
                    total_runs=COUNT,
                    agents=counts_by_name("agent_name"),
                    recent_24h=COUNT,
                    retention=RETENTION,
                ),
                {"total_runs": 2, "agents": {"my-agent": 2}, "recent_24h": 2},
                texts={
                    "text/plain": EXPOSITION,
                    "application/openmetrics-text": f"{EXPOSITION}# EOF\n",
                },
            )
        },
        description="A scraper gets 200 while the database is unreachable:"
        " telemetry_database_up is 0 then, and what could not be read is left out.",
        is_counted=False,
    ),
}
