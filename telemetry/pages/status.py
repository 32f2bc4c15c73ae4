"""The page of the status: where data is kept and why, and how the database is."""

from typing import Any

from flask import Response, current_app

from telemetry import __version__
from telemetry.failures import Unavailable
from telemetry.pages import render
from telemetry.pages.extension import blueprint, pages

NAMES = {
    "agent_runs": "Runs",
    "runtime_events": "Runtime events",
    "audio_runtime": "Devices and their ledger",
}
KINDS = {"postgresql": "PostgreSQL", "json_file": "a JSON file", "none": "nowhere"}


@blueprint.get("/status")
def show_status() -> Response:
    """Return the status. Unlike any other page it needs no database."""
    persistence = current_app.extensions["persistence"]
    rows = [
        {
            "name": NAMES[domain],
            "kind": KINDS[backend.kind],
            "is_durable": backend.durable,
            "is_ok": persistence.ok(domain),
            "note": backend.note,
        }
        for domain, backend in persistence.backends.items()
    ]
    checks = pages().readiness() if persistence.database_urls else []
    return render.page(
        "status.html",
        rows=rows,
        contract=persistence.contract,
        checks=checks,
        is_ready=persistence.contract.passed and not any(it.error for it in checks),
        service_version=__version__,
        stale_after=pages().stale_after.total_seconds() * 1000,
        **_database(),
    )


def _database() -> dict[str, Any]:
    """Return what the database says about itself; None for what it does not say."""
    shown: dict[str, Any] = dict.fromkeys(
        ("database", "rates", "event_rates", "last_verify", "failure")
    )
    try:
        if (events := pages().events) is not None:
            shown["event_rates"] = events.rates()
        shown["database"] = pages().status.database()
        shown["rates"] = pages().status.rates()
        shown["last_verify"] = pages().status.last_verify()
    except Unavailable as error:
        shown["failure"] = error.detail
    shown["pool"] = pages().status.pool()
    return shown
