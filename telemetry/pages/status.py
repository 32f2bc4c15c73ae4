"""The page of the status: where data is kept and why, and how the database is."""

from collections.abc import Callable
from typing import Any

from flask import Response, current_app

from telemetry import __version__
from telemetry.audio_runtime.counts import APPENDS
from telemetry.failures import Unavailable
from telemetry.http.caller import shows_pages
from telemetry.pages import render
from telemetry.pages.extension import blueprint, pages
from telemetry.series import read_all

NAMES = {
    "agent_runs": "Runs",
    "runtime_events": "Runtime events",
    "audio_runtime": "Devices and their ledger",
}
KINDS = {"postgresql": "PostgreSQL", "json_file": "a JSON file", "none": "nowhere"}


@blueprint.get("/status")
@shows_pages
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
    databases = _databases()
    is_ready = not any(it["check"].error for it in databases)
    return render.page(
        "status.html",
        rows=rows,
        contract=persistence.contract,
        databases=databases,
        is_ready=persistence.contract.passed and is_ready,
        service_version=__version__,
        stale_after=pages().stale_after.total_seconds() * 1000,
        written=_written(),
        is_guarded=current_app.extensions["config"].auth_enabled,
        tokens=_or_failure(tokens) if (tokens := pages().tokens) else None,
    )


def _databases() -> list[dict[str, Any]]:
    """Return for each database what it holds, whether it is ready, and what it says of itself."""
    databases = pages().databases
    if not databases:
        return []
    return [
        {
            "name": ", ".join(NAMES[domain] for domain in domains),
            "check": check,
            "said": _or_failure(status.database),
            "pool": status.pool(),
        }
        for (domains, status), check in zip(databases, pages().readiness(), strict=True)
    ]


def _written() -> dict[str, Any]:
    """Return what was written lately, by kind, and when the ledger was last verified."""
    events = pages().events
    return {
        "runs": _or_failure(pages().status.rates),
        "events": _or_failure(events.rates) if events else None,
        "appended": sum(it.numbers[0] for it in APPENDS.samples(read_all())),
        "verified": _or_failure(pages().status.last_verify),
    }


def _or_failure(read: Callable[[], Any]) -> Any:
    """Return what ``read`` returns, or ``failure`` with the reason why it can't be read."""
    try:
        return read()
    except Unavailable as error:
        return {"failure": error.detail}
