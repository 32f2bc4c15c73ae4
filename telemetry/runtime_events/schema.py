"""The schemas of a posted event and of the query strings."""

from telemetry.payloads.feed import FeedSchema
from telemetry.payloads.fields import Choice, Identifier, Integer, Number, ScalarObject, Text
from telemetry.payloads.loading import PayloadSchema
from telemetry.payloads.query_string import Moment, Switch, WholeNumber

SOURCES = ("api", "web", "web_api", "worker")

DEFAULT_LIMIT = 100
DEFAULT_SUMMARY_LIMIT = 200
DEFAULT_SECONDS = 3600
MAX_LIMIT = 2000
MAX_BATCH = 10_000
MAX_IDEAS_OFFSET = 10_000
MAX_ENDPOINT = 4096
MAX_METHOD = 32


class EventSchema(PayloadSchema):
    """An event as a program posts it."""

    id = Text(min=1, max=128)
    source = Choice(SOURCES, required=True)
    endpoint = Text(required=True, min=1, max=MAX_ENDPOINT, blank=False)
    raw_endpoint = Text(max=MAX_ENDPOINT)
    method = Identifier(max=MAX_METHOD)
    status_code = Integer(min=100, max=599)
    runtime_ms = Number(required=True, above=0)
    idea_id = Text(max=255)
    metadata = ScalarObject()


class ReadSchema(PayloadSchema):
    """The query string that every read takes.

    ``force_refresh`` skips the cache of older services. There is no cache here, so it has no
    effect.
    """

    force_refresh = Switch()


class ListSchema(ReadSchema):
    """The query string of the list."""

    source = Choice(SOURCES)
    endpoint_prefix = Text()
    since = Moment()
    limit = WholeNumber(min=1, max=MAX_LIMIT)
    offset = WholeNumber(min=0)
    cursor = Text()


class EventFeedSchema(ReadSchema, FeedSchema):
    """The query string of the feed."""


class IdeasSummarySchema(ReadSchema):
    """The query string of the summary of ideas."""

    seconds = WholeNumber(min=60, max=2_592_000)
    limit = WholeNumber(min=1, max=MAX_LIMIT)
    offset = WholeNumber(min=0, max=MAX_IDEAS_OFFSET)


class SummarySchema(ReadSchema):
    """The query string of the summary of endpoints."""

    seconds = WholeNumber(min=60, max=2_592_000)
    source = Choice(SOURCES)
    limit = WholeNumber(min=1, max=MAX_LIMIT)
