"""The HTTP side of health."""

from time import monotonic
from typing import cast

from flask import Blueprint, Response, current_app

from telemetry import __version__
from telemetry.answers import answer
from telemetry.errors import ApiError
from telemetry.health.store import Probe
from telemetry.persistence import Persistence

blueprint = Blueprint("health", __name__)

STARTED = monotonic()


@blueprint.get("/health")
@blueprint.get("/api/health")
def health() -> Response:
    """Return that the process lives; no database is asked."""
    persistence = cast(Persistence, current_app.extensions["persistence"])
    return answer(
        {
            "status": "ok",
            "version": __version__,
            "uptime_seconds": round(monotonic() - STARTED, 3),
            "persistence": {
                "agent_runs": persistence.agent_runs.kind,
                "runtime_events": persistence.runtime_events.kind,
                "audio_runtime": persistence.audio_runtime.kind,
            },
        }
    )


@blueprint.get("/api/ready")
def ready() -> Response:
    """Return whether this process can serve: its databases answer, nothing waits to be migrated."""
    persistence = cast(Persistence, current_app.extensions["persistence"])
    for probe in cast(list[Probe], current_app.extensions["probes"]):
        result = probe.result()
        if result.error:
            detail = {"error": result.error, "failures": result.failures}
            raise ApiError(503, detail, db_connected=result.db_connected)
    return answer(
        {
            "status": "ready",
            "version": __version__,
            "db_connected": bool(persistence.database_urls),
            "backend": persistence.agent_runs.kind,
        }
    )


@blueprint.get("/version")
def version() -> Response:
    """Return the version of the service."""
    return answer({"version": __version__})
