"""What the description of every endpoint shares: headers, errors, and the words at its top."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from telemetry.database.lanes import LANES
from telemetry.http.cors import EXPOSED_HEADERS
from telemetry.openapi.operation import JsonSchema, Operation, Parameter, Reply
from telemetry.openapi.shapes import TEXT, array, members
from telemetry.payloads.cursor import encode_cursor
from telemetry.payloads.feed import DEFAULT_LIMIT, Cursor

DESCRIPTION = """\
Agents post runs, runtime events and device events, and read them back.

- Bodies are JSON in UTF-8, at most 16 MiB unless the operator changed that. They may be compressed
  with gzip.
- A GET path accepts HEAD too, and every path OPTIONS. Other methods get 405 with `Allow`.
- A slash at the end of a path makes no difference.
- An operator may require a Bearer token for everything but the health endpoints. A token has
  scopes, and may be bound to tenants or agents. Another tenant is then like one that does not
  exist, and so is a run of another agent.
- Unknown fields of runs and runtime events are named in `ignored_fields`. In the ledger they are
  errors.
- `null` is the same as leaving an optional field out.
- Pages for people, and their exports and files, are not in this document. They may change in any
  release. `GET /` returns the paths of the API to a client that accepts only JSON.
- Pages of the origins that an operator allows may call the API from a browser. Their preflight
  request needs no token.
- A header `X-Request-ID` of 1 to 128 characters of `A-Za-z0-9._:-` is sent back, and logged.
"""


class Header(NamedTuple):
    """A header of a response."""

    description: str
    schema: JsonSchema
    example: Any


HEADERS = {
    "X-Request-ID": Header(
        "The id of the request, as in its log line",
        {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
        "0f8fad5bd9cb469fa16570867728950e",
    ),
    "X-RateLimit-Limit": Header(
        "Requests per minute, where a limit is set", {"type": "string", "pattern": "^[0-9]+$"}, "60"
    ),
    "X-RateLimit-Remaining": Header(
        "Requests left in this minute", {"type": "string", "pattern": "^[0-9]+$"}, "59"
    ),
    "Retry-After": Header(
        "Seconds to wait before the request is sent again: 60 after a 429 and where something has"
        " to be repaired, else 5",
        {"type": "string", "pattern": "^[0-9]+$"},
        "5",
    ),
    "WWW-Authenticate": Header("The scheme", {"type": "string", "enum": ["Bearer"]}, "Bearer"),
    "Link": Header(
        "The next page, when there is one; its URL is relative to that of the request",
        TEXT,
        '</api/v1/runs?limit=100&cursor=MjAyNi0wMS0zMQ%3D%3D>; rel="next"',
    ),
    "Accept-Encoding": Header(
        "The encoding that a body may have, where it had another one",
        {"type": "string", "enum": ["gzip"]},
        "gzip",
    ),
    "ETag": Header("Changes with the document", TEXT, 'W/"5f2b7c1d9e0a"'),
    "Cache-Control": Header("Ask again each time, with the ETag", TEXT, "private, no-cache"),
    "Vary": Header("The request headers on which the response depends", TEXT, "Origin"),
    "Access-Control-Allow-Origin": Header(
        "The origin of the page that asks, where the operator allows it",
        TEXT,
        "https://pages.example",
    ),
    "Access-Control-Expose-Headers": Header(
        "The headers that such a page may read", TEXT, EXPOSED_HEADERS
    ),
}

# The parameter "after" of every feed.
FEED_AFTER = Parameter(
    "The next of the page before; now: only the cursor of this moment; absent: from the beginning",
    "now",
)

FEED_LIMIT = Parameter("How many a page holds", 100, DEFAULT_LIMIT)


def feed_cursor(feed: str, mark: str | None = None) -> str:
    """Return a cursor of a feed that is kept in the database."""
    return encode_cursor(Cursor(feed, [1, *[0] * (LANES - 1)], mark))


def lines(records: Iterable[Any]) -> str:
    """Return the records as JSON Lines."""
    return "".join(f"{json.dumps(it)}\n" for it in records)


# Every response has the first; the others only where the operator sets a rate limit or allows
# pages of other origins.
USUAL_HEADERS = (
    "X-Request-ID",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "Vary",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
)
OPTIONAL_HEADERS = {*USUAL_HEADERS[1:], "Link", "Accept-Encoding"}

PROBLEM = members(
    loc={
        "type": "array",
        "items": {"type": ["string", "integer"]},
        "description": "Leads to the value: body, query or path, the index in a batch, the field",
    },
    msg={"type": "string", "description": "For people"},
    type={"type": "string", "description": "For programs"},
)

SCHEMAS = {
    "Problem": PROBLEM,
    "Error": members(detail=TEXT),
    "Invalid": members(
        sometimes={"reason_code"},
        detail=array({"$ref": "#/components/schemas/Problem"}),
        reason_code={"type": "string", "enum": ["K_FAIL_EVENT_FIELDS_INVALID"]},
    ),
}

ERROR: JsonSchema = {"$ref": "#/components/schemas/Error"}
INVALID: JsonSchema = {"$ref": "#/components/schemas/Invalid"}


def batch_replies(record: str, schema: JsonSchema, valid: Any, refused: Any) -> dict[int, Reply]:
    """Return the responses to a batch of ``record``, with an example of each."""
    return {
        200: Reply(f"At least one {record} was valid, or the batch is empty", schema, valid),
        422: Reply(
            f"No {record} was valid, or the body is not a batch",
            {"anyOf": [schema, INVALID]},
            refused,
        ),
    }


def error(description: str, detail: str, headers: tuple[str, ...] = ()) -> Reply:
    """Return the reply of an error, with an example of its detail."""
    return Reply(description, ERROR, {"detail": detail}, headers)


def invalid(description: str, *loc: str, msg: str, kind: str) -> Reply:
    """Return the reply of a 422, with an example of a problem."""
    problems = [{"loc": [*loc], "msg": msg, "type": kind}]
    return Reply(description, INVALID, {"detail": problems})


# The errors that many endpoints have, by their name in the document.
REPLIES = {
    "BadRequest": error("The request is not valid HTTP", "A header is not valid HTTP"),
    "BadBody": error(
        "The body ended early, or a constraint of the database refused the record",
        "Database integrity error: agent_runs_duration_ms_check",
    ),
    "Unauthorized": error(
        "No token or a wrong one, where the operator requires one",
        "Invalid authentication token",
        ("WWW-Authenticate",),
    ),
    "Forbidden": error(
        "The token lacks a scope, or is bound to other tenants or agents",
        "The token needs the scope runs:write",
    ),
    "NotFound": error("Nothing has this path or name", "Run not found: no-such-run"),
    "RequestTimeout": error("The body stopped arriving", "The body stopped arriving for 30 s"),
    "TooLarge": error(
        "The body is too large",
        "The body is larger than 16,777,216 bytes (TELEMETRY_MAX_BODY_BYTES)",
    ),
    "UriTooLong": error("The path and query are too long", "The request line is too long"),
    "UnsupportedMediaType": error(
        "Another content type, or an encoding other than gzip",
        "Content-Type must be application/json, in UTF-8",
        ("Accept-Encoding",),
    ),
    "ExpectationFailed": error("An Expect other than 100-continue", "Expect accepts 100-continue"),
    "InvalidBody": invalid(
        "Not JSON, or not a valid payload; names every bad field at once. A record of more than"
        " 100,000 values has the type too_many_values; so have the records of a batch that exceed"
        " 1,000,000 values together",
        "body",
        "start_time",
        msg="Must have an offset such as Z or +00:00",
        kind="timezone_aware",
    ),
    "InvalidParameter": invalid(
        "A parameter that is unknown, given twice or not valid",
        "query",
        "limit",
        msg="Must be an integer",
        kind="int_parsing",
    ),
    "TooManyRequests": error(
        "Over the rate limit, where the operator set one",
        "Rate limit exceeded. Max 60 requests per minute.",
        ("Retry-After",),
    ),
    "HeadersTooLong": error(
        "The headers are too long or too many",
        "There are too many headers, or one of them is too long",
    ),
    "InternalError": error(
        "An unexpected failure; the log has its cause",
        "Internal error (request 0f8fad5bd9cb469fa16570867728950e)",
    ),
    "NotImplemented": error(
        "A Transfer-Encoding other than chunked", "Transfer-Encoding accepts chunked"
    ),
    "Unavailable": error(
        "The database is unreachable, out of connections, too slow or read-only, has to be"
        " repaired, or is not configured; the record was not refused",
        "The database is unavailable; the same request can be sent again",
        ("Retry-After",),
    ),
}

ALWAYS = {400: "BadRequest", 414: "UriTooLong", 431: "HeadersTooLong", 500: "InternalError"}
# Tokens are kept in the database, so without it they cannot be checked.
GUARDED = {401: "Unauthorized", 503: "Unavailable"}
SCOPED = {403: "Forbidden"}
COUNTED = {429: "TooManyRequests"}
WITH_PARAMETERS = {422: "InvalidParameter"}
WITH_NAMES = {404: "NotFound"}
WITH_BODY = {
    400: "BadBody",
    408: "RequestTimeout",
    413: "TooLarge",
    415: "UnsupportedMediaType",
    417: "ExpectationFailed",
    422: "InvalidBody",
    501: "NotImplemented",
}


def usual_replies(operation: Operation, *, has_names: bool) -> dict[int, str]:
    """Return the names of the errors that an endpoint like this has, besides its own.

    ``has_names`` says whether its path has variable parts.
    """
    return {
        **ALWAYS,
        **({} if operation.is_health else GUARDED),
        **(SCOPED if operation.needs_scope and not operation.is_health else {}),
        **(COUNTED if operation.is_counted and not operation.is_health else {}),
        **(WITH_PARAMETERS if operation.query or operation.checks_path else {}),
        **(WITH_NAMES if has_names else {}),
        **(WITH_BODY if operation.body else {}),
    }
