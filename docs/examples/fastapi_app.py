"""A FastAPI application that reports its requests and its errors.

The service is that of TELEMETRY_API_URL::

    uvicorn --app-dir docs/examples fastapi_app:app
"""

import logging
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from telemetry.client import TelemetryClient
from telemetry.client.asgi import TelemetryMiddleware
from telemetry.client.logs import TelemetryHandler

client = TelemetryClient(agent_name="shop")
logging.getLogger("shop").addHandler(TelemetryHandler(client))

app = FastAPI()
app.add_middleware(TelemetryMiddleware, client=client, source="api", skip=["/health"])


@app.get("/orders/{number}")
async def get_order(number: int) -> dict[str, int]:
    """Return an order. All orders are one endpoint: /orders/{number}."""
    return {"number": number}


@app.get("/report")
async def report() -> StreamingResponse:
    """Stream a report. Its duration is that of the whole stream."""

    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            yield f"line {number}\n"

    return StreamingResponse(lines())


@app.get("/broken")
async def broken() -> None:
    """Fail: the exception is logged, and the request has status 500."""
    logging.getLogger("shop").error("the warehouse does not respond")
    raise RuntimeError("the warehouse does not respond")


@app.get("/health")
async def health() -> str:
    """Respond to a probe, which is not reported."""
    return "ok"
