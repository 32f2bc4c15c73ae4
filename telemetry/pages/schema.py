"""The query strings of pages. A parameter has the name and the values that the API gives it."""

from telemetry.pages.window import SPANS
from telemetry.payloads.fields import Choice, Name, Text
from telemetry.payloads.loading import PayloadSchema
from telemetry.payloads.query_string import Moment, Switch, WholeNumber
from telemetry.runs.schema import ListSchema
from telemetry.runtime_events.schema import SOURCES

RANGES = tuple(SPANS)
MAX_OFFSET = 1_000_000
SORTS = ("errors", "rate", "events", "p50", "p95", "p99", "cost", "endpoint")


class OverviewSchema(PayloadSchema):
    """The query string of the overview."""

    range = Choice(RANGES, {})
    created_after = Moment()
    created_before = Moment()
    agent_name = Text()
    environment = Text()
    agents = Choice(("all",), {})


class RunsSchema(ListSchema):
    """The query string of the table of runs and of its exports: the API's, and four filters.

    Pages have a fixed length. ``cursor`` is the last row of the page before, ``newer`` the first
    of the page after.
    """

    class Meta:
        exclude = ("limit", "offset")

    search = Text(max=255)
    environment = Text()
    error = Text()
    no_summary = Switch()
    newer = Text()


class CompareSchema(PayloadSchema):
    """The query string of the comparison of two runs."""

    a = Text()
    b = Text()


class RuntimeSchema(PayloadSchema):
    """The query string of the page of runtime events."""

    range = Choice(RANGES, {})
    created_after = Moment()
    created_before = Moment()
    source = Choice(SOURCES, {})
    endpoint = Text()
    endpoint_prefix = Text()
    idea_id = Text()
    sort = Choice(SORTS, {})
    offset = WholeNumber(min=0, max=MAX_OFFSET)


class DevicesSchema(PayloadSchema):
    """The query string of the list of devices."""

    tenant_id = Name(max=64)
    attention = Switch()
    cursor = Text()


class DeviceSchema(PayloadSchema):
    """The query string of one device."""

    before = WholeNumber(min=1)
    audit_before = WholeNumber(min=1)
