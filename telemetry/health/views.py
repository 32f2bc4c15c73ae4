"""The HTTP side of health."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any, cast

from flask import Blueprint, Response, current_app

from telemetry import __version__
from telemetry.health.reasons import Reasons
from telemetry.health.role import most_powerful
from telemetry.health.store import Probe, Readiness, check_all
from telemetry.http.caller import needs
from telemetry.http.errors import ApiError
from telemetry.http.responses import json_response
from telemetry.persistence import Kind, Persistence
from telemetry.timestamps import utc_text

blueprint = Blueprint("health", __name__)

STARTED = monotonic()
STARTED_AT = utc_text(datetime.now(UTC))

# The variables that hold the deployed commit; the first that is set counts. GIT_SHA is for images
# that an operator builds. The others are set by Railway, Heroku, Render and buildpacks.
# https://docs.railway.com/reference/variables, https://devcenter.heroku.com/articles/dyno-metadata
SHA_VARIABLES = (
    "GIT_SHA",
    "RAILWAY_GIT_COMMIT_SHA",
    "HEROKU_BUILD_COMMIT",
    "HEROKU_SLUG_COMMIT",
    "RENDER_GIT_COMMIT",
    "SOURCE_VERSION",
)


@blueprint.get("/health")
@blueprint.get("/api/health")
@needs()
def health() -> Response:
    """Return that the process lives, without a database call."""
    return json_response(
        {
            "status": "ok",
            "version": __version__,
            "uptime_seconds": round(monotonic() - STARTED, 3),
            **_process(),
            "persistence": {
                domain: backend.kind for domain, backend in _persistence().backends.items()
            },
        }
    )


@blueprint.get("/api/ready")
@needs()
def ready() -> Response:
    """Return whether this process can serve: the contract passes and its databases are ready."""
    persistence = _persistence()
    backend = persistence.runtime_events.kind
    if not persistence.contract.passed:
        contract = Readiness(False, "persistence_contract_failed", [*persistence.contract.failures])
        raise _not_ready([contract], backend, db_connected=False)
    probes = cast(list[Probe], current_app.extensions["probes"])
    found = check_all(probes)
    db_connected = bool(probes) and all(it.db_connected for it in found)
    role = most_powerful([it.role for it in found if it.role])
    if failed := [it for it in found if it.error]:
        raise _not_ready(failed, backend, db_connected=db_connected, role=role)
    _reasons().clear()
    return json_response(
        {
            "status": "ready",
            "version": __version__,
            "db_connected": db_connected,
            "backend": backend,
            "role": role,
            **_process(),
        }
    )


@blueprint.get("/api/health/persistence")
@needs()
def persistence() -> Response:
    """Return where each domain is kept and why, and whether that passes the contract."""
    resolved = _persistence()
    domains: dict[str, dict[str, Any]] = {
        domain: {
            "ok": resolved.ok(domain),
            "backend": backend.kind,
            "durable": backend.durable,
            "enabled": backend.kind != "none",
            "events_file_override": resolved.events_file_override,
            "note": backend.note,
        }
        for domain, backend in resolved.backends.items()
    }
    if resolved.runtime_events.kind == "json_file":
        events = current_app.extensions["runtime_events"]
        domains["runtime_events"]["unreadable_lines"] = events.unreadable_lines()
    return json_response(
        {
            "required": resolved.contract.required,
            "pass_contract": resolved.contract.passed,
            "checked_at": utc_text(datetime.now(UTC)),
            "domains": domains,
            "failures": resolved.contract.failures,
        }
    )


@blueprint.get("/api/ping")
@needs()
def ping() -> Response:
    """Return that the service responds."""
    return json_response({"status": "ok"})


@blueprint.get("/version")
@blueprint.get("/api/version")
@needs()
def version() -> Response:
    """Return the version of the service."""
    return json_response({"version": __version__})


def _persistence() -> Persistence:
    return cast(Persistence, current_app.extensions["persistence"])


def _reasons() -> Reasons:
    return cast(Reasons, current_app.extensions["readiness_reasons"])


def _not_ready(
    failed: list[Readiness], backend: Kind, *, db_connected: bool, role: str | None = None
) -> ApiError:
    """Return the 503 for the results that failed, after the log has their reason."""
    error, failures = str(failed[0].error), [failure for it in failed for failure in it.failures]
    _reasons().record(error, failures, [it.cause for it in failed if it.cause])
    detail = {"error": error, "failures": failures}
    return ApiError(
        503, detail, db_connected=db_connected, backend=backend, role=role, **_process()
    )


def _process() -> dict[str, Any]:
    """Return what liveness and readiness report of this process."""
    return {
        "timestamp": utc_text(datetime.now(UTC)),
        "started_at": STARTED_AT,
        "uptime_human": human(int(monotonic() - STARTED)),
        "deployed_sha": deployed_sha(os.environ),
    }


def human(seconds: int) -> str:
    """Return a duration as text such as ``2d 3h 4m 5s``, from its first unit that is not 0."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = {"d": days, "h": hours, "m": minutes, "s": seconds}
    first = next((number for number, amount in enumerate(units.values()) if amount), 3)
    return " ".join(f"{amount}{unit}" for unit, amount in [*units.items()][first:])


def deployed_sha(environ: Mapping[str, str]) -> str | None:
    """Return the commit that the platform says it deployed, or None if no variable is set."""
    return next((value for name in SHA_VARIABLES if (value := environ.get(name, "").strip())), None)
