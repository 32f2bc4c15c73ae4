"""The page of the status: where data is kept and why, and how the database is."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from flask import Response, current_app

from telemetry import __version__
from telemetry.audio_runtime.counts import APPENDS
from telemetry.failures import AWAY, Unavailable
from telemetry.http.caller import shows_pages
from telemetry.pages import render
from telemetry.pages.extension import blueprint, pages
from telemetry.series import read_all
from telemetry.spans import span_text

NAMES = {
    "agent_runs": "Runs",
    "runtime_events": "Runtime events",
    "audio_runtime": "Devices and their ledger",
}
KINDS = {"postgresql": "PostgreSQL", "json_file": "a JSON file", "none": "nowhere"}
ROLES = {
    "owner": "the owner of the tables: it can switch the append-only triggers off",
    "excessive": "restricted, with more power than it needs: doctor says how to revoke it",
    "restricted": "restricted to what the service does",
}


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
    checks = pages().readiness()
    away = _away(checks)
    is_ready = not any(check.error for check in checks)
    return render.page(
        "status.html",
        rows=rows,
        contract=persistence.contract,
        databases=_databases(checks, away),
        roles=ROLES,
        is_ready=persistence.contract.passed and is_ready,
        service_version=__version__,
        stale_after=pages().stale_after.total_seconds() * 1000,
        written=_written(away),
        retention=[_retention(report) for report in pages().retention(away)],
        is_guarded=current_app.extensions["config"].auth_enabled,
        tokens=_or_failure(tokens, "agent_runs" in away) if (tokens := pages().tokens) else None,
    )


def _away(checks: Sequence[Any]) -> set[str]:
    """Return the domains whose database does not respond: each read would wait for it in vain."""
    return {
        domain
        for (domains, _), check in zip(pages().databases, checks, strict=True)
        if check.error == "database_unreachable"
        for domain in domains
    }


def _databases(checks: Sequence[Any], away: set[str]) -> list[dict[str, Any]]:
    """Return for each database what it holds, whether it is ready, and what it says of itself."""
    return [
        {
            "name": ", ".join(NAMES[domain] for domain in domains),
            "check": check,
            "said": _or_failure(status.database, domains[0] in away),
            "sizes": _or_failure(status.sizes, domains[0] in away),
            "pool": status.pool(),
        }
        for (domains, status), check in zip(pages().databases, checks, strict=True)
    ]


def _written(away: set[str]) -> dict[str, Any]:
    """Return what was written lately, by kind, and when the ledger was last verified."""
    events = pages().events
    return {
        "runs": _or_failure(pages().status.rates, "agent_runs" in away),
        "events": _or_failure(events.rates, "runtime_events" in away) if events else None,
        "appended": sum(it.numbers[0] for it in APPENDS.samples(read_all())),
        "verified": _or_failure(pages().status.last_verify, "audio_runtime" in away),
    }


def _retention(report: Any) -> dict[str, Any]:
    """Return what the page shows of the retention of a table."""
    age, state = report.older_than, report.state
    done = state and timedelta(seconds=state["older_than_seconds"])
    return {
        "name": NAMES[report.kind.name],
        "variable": report.kind.variable,
        "older_than": span_text(age) if age else None,
        "refusal": report.refusal,
        "failure": report.failure,
        "failed": report.failed,
        "state": state,
        "done_older_than": span_text(done) if done else None,
        "is_late": bool(age and state and state["is_late"]),
    }


def _or_failure(read: Callable[[], Any], is_away: bool) -> Any:
    """Return what ``read`` returns, or ``failure`` with the reason why it can't be read."""
    if is_away:
        return {"failure": AWAY}
    try:
        return read()
    except Unavailable as error:
        return {"failure": error.detail}
