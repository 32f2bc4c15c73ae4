"""A Flask application that reports its requests and its errors.

The service is that of TELEMETRY_API_URL::

    gunicorn --chdir docs/examples flask_app:app
"""

import logging
from collections.abc import Iterator

from flask import Flask

from telemetry.client import TelemetryClient
from telemetry.client.logs import TelemetryHandler
from telemetry.client.wsgi import TelemetryMiddleware

client = TelemetryClient(agent_name="shop")
logging.getLogger().addHandler(TelemetryHandler(client))

app = Flask(__name__)
app.wsgi_app = TelemetryMiddleware(app.wsgi_app, client, skip=["/health"])


@app.get("/orders/<int:number>")
def get_order(number: int) -> dict[str, int]:
    """Return an order. All orders are one endpoint: /orders/{number}."""
    return {"number": number}


@app.get("/report")
def report() -> Iterator[str]:
    """Stream a report. Its duration is that of the whole stream."""
    return (f"line {number}\n" for number in range(3))


@app.get("/broken")
def broken() -> None:
    """Fail: Flask logs the exception, and the request has status 500."""
    raise RuntimeError("the warehouse does not respond")


@app.get("/health")
def health() -> str:
    """Respond to a probe, which is not reported."""
    return "ok"
