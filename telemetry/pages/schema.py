"""The query strings of pages. A parameter has the name that the API gives it."""

from telemetry.payloads.fields import Choice, Name, Text
from telemetry.payloads.loading import PayloadSchema
from telemetry.payloads.query_string import Moment, Switch, WholeNumber

STATUSES = ("running", "success", "failure", "partial", "timeout", "cancelled")
STATUS_ALIASES = {"failed": "failure", "completed": "success", "succeeded": "success"}
SOURCES = ("api", "web", "web_api", "worker")
RANGES = ("1h", "24h", "7d", "30d")
SORTS = ("errors", "rate", "events", "p50", "p95", "p99", "cost", "endpoint")


class OverviewSchema(PayloadSchema):
    """The query string of the overview."""

    range = Choice(RANGES, {})
    created_after = Moment()
    created_before = Moment()
    agent_name = Text()
    environment = Text()


class RunsSchema(PayloadSchema):
    """The query string of the table of runs and of its exports."""

    search = Text(max=255)
    agent_name = Text()
    status = Choice(STATUSES, STATUS_ALIASES)
    stale = Switch()
    job_type = Text()
    run_id = Text()
    parent_run_id = Text()
    environment = Text()
    error = Text()
    created_after = Moment()
    created_before = Moment()
    start_time_from = Moment()
    start_time_to = Moment()
    cursor = Text()


class CompareSchema(PayloadSchema):
    """The query string of the comparison of two runs."""

    a = Text()
    b = Text()


class RuntimeSchema(PayloadSchema):
    """The query string of the page of runtime events."""

    range = Choice(RANGES, {})
    source = Choice(SOURCES, {})
    endpoint = Text()
    sort = Choice(SORTS, {})


class DevicesSchema(PayloadSchema):
    """The query string of the list of devices."""

    tenant_id = Name(max=64)
    attention = Switch()
    cursor = Text()


class DeviceSchema(PayloadSchema):
    """The query string of one device."""

    before = WholeNumber(min=1)
