"""The client for authors of agents: it loses nothing, never raises and never waits.

::

    from telemetry.client import TelemetryClient

    client = TelemetryClient("https://telemetry.example.org", agent_name="importer")
    with client.track_run(job_type="nightly") as run:
        run.set_metrics(items_discovered=10)

It needs the standard library alone, and Python 3.9 or newer. A call makes a record
(``run``, ``events``, ``values``), appends it to a file (``spool``, ``segments``) and returns. A
thread (``sender``) reads the file (``reader``), makes requests of its lines (``lines``) and sends
them (``delivery``, ``transport``).

``wsgi`` and ``asgi`` are middleware for web applications, ``logs`` is a handler for ``logging``,
and ``python -m telemetry.client run -- COMMAND`` reports a command of any language.
"""

from telemetry.client.client import TelemetryClient
from telemetry.client.config import TelemetryConfig
from telemetry.client.run import RunContext
from telemetry.client.tracking import current_run

__all__ = ["RunContext", "TelemetryClient", "TelemetryConfig", "current_run"]
