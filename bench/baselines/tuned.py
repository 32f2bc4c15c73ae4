"""The same service, tuned by an expert in FastAPI, asyncpg and pydantic.

``python -m bench.baselines.tuned`` runs it with uvloop, httptools, one worker per core and no
access log. The measured endpoints are plain ASGI in front of the framework: pydantic's core
validates the bytes of a body strictly, and one prepared statement passes the body to PostgreSQL
unchanged.
"""

import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any, NotRequired
from urllib.parse import parse_qs

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json
from typing_extensions import TypedDict

from bench.baselines.model import ALIASES, COLUMNS, INSERT, LIST, Run

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Response = tuple[int, bytes]

# A TypedDict costs half as much as a model, for the same checks.
_FIELDS = {
    name: Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    for name, field in Run.model_fields.items()
}
_RUN = TypedDict(
    "_RUN",
    {
        name: annotation if Run.model_fields[name].is_required() else NotRequired[annotation]
        for name, annotation in _FIELDS.items()
    },
)
ONE = TypeAdapter(_RUN)
MANY = TypeAdapter(list[_RUN])

# For one run, binary values cost less than JSON that PostgreSQL must parse. For many runs, one
# JSON parameter costs less, because Python need not convert the values.
_ABSENT = {name: field.get_default() for name, field in Run.model_fields.items()}
_STATUS = " ".join(f"WHEN '{alias}' THEN '{status}'" for alias, status in ALIASES.items())
_STORED = {
    "created_at": "coalesce(created_at, now())",
    "status": f"CASE status {_STATUS} ELSE coalesce(status, 'running') END",
    **{
        name: f"coalesce({name}, 0)"
        for name in COLUMNS
        if name.startswith(("duration", "items", "api_retry"))
    },
    "api_posted": "coalesce(api_posted, FALSE)",
}
INSERT_MANY = f"""
    INSERT INTO agent_runs ({", ".join(COLUMNS)})
    SELECT {", ".join(_STORED.get(column, column) for column in COLUMNS)}
    FROM json_populate_recordset(NULL::agent_runs, $1::json)
    ON CONFLICT (event_id) DO NOTHING
"""

pool: asyncpg.Pool


async def _set_up(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_json_text, decoder=orjson.Fragment
    )


def _json_text(value: Any) -> str:
    return orjson.dumps(value).decode()


async def _keep(connection: asyncpg.Connection) -> None:
    """Skip the round trip that resets a session: no session changes a setting."""


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Keep a pool open until the process ends, and freeze the garbage collector."""
    global pool
    async with asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=8, max_size=8, init=_set_up, reset=_keep
    ) as pool:
        gc.collect()
        gc.freeze()
        yield


async def create(scope: Scope, receive: Receive) -> Response:
    """Create one run, idempotently."""
    body = await _body(receive)
    try:
        run = ONE.validate_json(body, strict=True)
    except ValidationError as error:
        return 422, orjson.dumps({"detail": orjson.Fragment(error.json(include_url=False))})
    values = _ABSENT | run
    values["status"] = ALIASES.get(values["status"], values["status"])
    values["duration_ms"] = values["duration_ms"] or 0
    result = await pool.execute(INSERT, *map(values.__getitem__, COLUMNS))
    event_id = values["event_id"]
    if result == "INSERT 0 1":
        created = {"status": "created", "event_id": event_id, "run_id": values["run_id"]}
        return 201, orjson.dumps(created)
    message = "Event already exists (idempotent)"
    return 200, orjson.dumps({"status": "duplicate", "event_id": event_id, "message": message})


async def create_batch(scope: Scope, receive: Receive) -> Response:
    """Create many runs in one statement and report the invalid ones."""
    body = await _body(receive)
    errors: list[dict[str, Any]] = []
    try:
        total = len(MANY.validate_json(body, strict=True))
        text = body.decode()
    except ValidationError:
        records = from_json(body)
        total = len(records)
        text = orjson.dumps([*_valid(records, errors)]).decode()
    result = await pool.execute(INSERT_MANY, text)
    inserted = int(result.rpartition(" ")[2])
    duplicates = total - len(errors) - inserted
    return 200, orjson.dumps(
        {"inserted": inserted, "duplicates": duplicates, "errors": errors, "total": total}
    )


def _valid(records: list[Any], errors: list[dict[str, Any]]) -> Any:
    for index, record in enumerate(records):
        try:
            ONE.validate_json(orjson.dumps(record), strict=True)
        except ValidationError as error:
            errors.append({"index": index, "detail": orjson.Fragment(error.json())})
        else:
            yield record


async def list_runs(scope: Scope, receive: Receive) -> Response:
    """Return runs, newest first."""
    given = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
    limit = int(given.get("limit", "100"))
    rows = await pool.fetch(LIST, given.get("agent_name"), given.get("status"), limit)
    return 200, orjson.dumps([*map(dict, rows)])


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = [body]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


ROUTES = {
    ("POST", "/api/v1/runs"): create,
    ("POST", "/api/v1/runs/batch"): create_batch,
    ("GET", "/api/v1/runs"): list_runs,
}
framework = FastAPI(lifespan=lifespan)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the measured endpoints, and pass all other requests to the framework."""
    route = ROUTES.get((scope.get("method", ""), scope.get("path", "")))
    if route is None:
        await framework(scope, receive, send)
        return
    status, body = await route(scope, receive)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


serve = partial(
    uvicorn.run,
    "bench.baselines.tuned:app",
    workers=os.cpu_count(),
    loop="uvloop",
    http="httptools",
    access_log=False,
    log_level="warning",
    server_header=False,
    date_header=False,
)

if __name__ == "__main__":
    serve(port=int(os.environ["PORT"]))
