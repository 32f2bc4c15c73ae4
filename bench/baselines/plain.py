"""The service written as the documentation of FastAPI and asyncpg recommends.

``uvicorn bench.baselines.plain:app`` runs one process. It uses pydantic models in the signatures, a
pool opened in the lifespan, and ``executemany`` for many rows.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI, Response

from bench.baselines.model import ALIASES, COLUMNS, INSERT, LIST, Run

JSON_COLUMNS = ("metrics_json", "context_json")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep a pool open until the process ends."""
    async with asyncpg.create_pool(os.environ["DATABASE_URL"]) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/api/v1/runs", status_code=201)
async def create(run: Run, response: Response) -> dict[str, str]:
    """Create one run, idempotently."""
    async with app.state.pool.acquire() as connection:
        result = await connection.execute(INSERT, *_values(run))
    if result == "INSERT 0 1":
        return {"status": "created", "event_id": run.event_id, "run_id": run.run_id}
    response.status_code = 200
    message = "Event already exists (idempotent)"
    return {"status": "duplicate", "event_id": run.event_id, "message": message}


@app.post("/api/v1/runs/batch")
async def create_batch(runs: list[Run]) -> dict[str, Any]:
    """Create many runs in one transaction."""
    async with app.state.pool.acquire() as connection, connection.transaction():
        await connection.executemany(INSERT, [_values(run) for run in runs])
    return {"total": len(runs)}


@app.get("/api/v1/runs")
async def list_runs(
    limit: int = 100, agent_name: str | None = None, status: str | None = None
) -> list[dict[str, Any]]:
    """Return runs, newest first."""
    async with app.state.pool.acquire() as connection:
        rows = await connection.fetch(LIST, agent_name, status, limit)
    return [_decoded(dict(row)) for row in rows]


def _values(run: Run) -> list[Any]:
    values = run.model_dump()
    values["status"] = ALIASES.get(run.status, run.status)
    values["duration_ms"] = run.duration_ms or 0
    for column in JSON_COLUMNS:
        if values[column] is not None:
            values[column] = json.dumps(values[column])
    return [values[column] for column in COLUMNS]


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    for column in JSON_COLUMNS:
        if row[column] is not None:
            row[column] = json.loads(row[column])
    return row
