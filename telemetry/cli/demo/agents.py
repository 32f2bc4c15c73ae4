"""The runs of three agents: two that work all day, and one whose runs have steps."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from telemetry.cli.demo.month import Month, around, identifier, pick
from telemetry.cli.demo.profiles import AUDITOR, TRANSLATOR, UPSTREAM, WRITER, Agent
from telemetry.timestamps import utc_text

Run = dict[str, Any]

TRACEBACK = """Traceback (most recent call last):
  File "/app/{module}/main.py", line 88, in run
    result = step(batch)
  File "/app/{module}/steps.py", line {line}, in step
    return client.request(batch, timeout=60)
  File "/app/{module}/client.py", line 41, in request
    raise {error}
{error}"""


# The steps of the writer, with their share of its time. A step that fails is the last one.
STEPS = {"collect": 0.25, "summarise": 0.55, "publish": 0.2}

# An outage of the model endpoint, in hours before the end of the month.
OUTAGE = (9.0, 6.5)

# The audit that an operator cancelled, counted from the end: so the last day has every outcome.
CANCELLED = 11


def runs_of(month: Month) -> list[Run]:
    """Return the records of all runs that have ended, oldest first."""
    runs = [run for agent in (TRANSLATOR, AUDITOR, WRITER) for run in _ended(month, agent)]
    return sorted(runs, key=lambda run: str(run["created_at"]))


def running(month: Month) -> Run:
    """Return the first record of a run that is in progress."""
    chance = month.chance("running")
    run = _begin(month, chance, TRANSLATOR, month.ago(minutes=2, seconds=41))
    return {**run, "items_discovered": 31}


def stale(month: Month) -> Run:
    """Return the only record of a run that was never heard of again."""
    return _begin(month, month.chance("stale"), AUDITOR, month.ago(hours=5, minutes=17))


def _ended(month: Month, agent: Agent) -> Iterator[Run]:
    for number, slot in month.slots(agent.every):
        chance = month.chance(agent.name, number)
        start = slot + chance.random() * 0.6 * agent.every
        cancelled = agent is AUDITOR and number == CANCELLED
        run = _run(month, chance, agent, start, "cancelled" if cancelled else None)
        if datetime.fromisoformat(run["end_time"]) > month.now:
            continue
        yield run
        if agent is WRITER:
            yield from _steps(chance, run)


def _run(month: Month, chance: Random, agent: Agent, start: datetime, outcome: str | None) -> Run:
    """Return the whole record of a run; without an ``outcome`` chance decides."""
    status = outcome or pick(chance, agent.outcomes)
    error = pick(chance, agent.errors)
    out = chance.random() < 0.85 and agent is not AUDITOR and _in_outage(month, start)
    if out:
        status, error = "failure", UPSTREAM
    seconds = around(chance, agent.seconds, agent.spread)
    seconds = {"timeout": 1800.0, "cancelled": seconds / 3}.get(status, seconds)
    seconds = 61 + chance.random() * 5 if out else seconds
    return {
        **_begin(month, chance, agent, start),
        **_end(chance, start, seconds, status),
        **_items(chance, agent.items, status),
        **_failure(chance, agent, status, error),
        "metrics_json": _metrics(chance, agent, seconds),
    }


def _begin(month: Month, chance: Random, agent: Agent, start: datetime) -> Run:
    """Return what an agent sends when a run starts."""
    return {
        "event_id": identifier(chance),
        "run_id": f"{start:%Y%m%dT%H%M%SZ}-{agent.name}-{chance.getrandbits(16):04x}",
        "agent_name": agent.name,
        "job_type": agent.job_type,
        "start_time": utc_text(start),
        "created_at": utc_text(start + timedelta(milliseconds=chance.randint(20, 400))),
        "status": "running",
        "environment": pick(chance, agent.environments),
        "trigger_type": pick(chance, agent.triggers),
        "host": f"worker-{chance.randint(1, 4):02}",
        "platform": "linux",
        "product": "site",
        "website": "example.com",
        "website_section": agent.section,
        "git_repo": "https://github.com/example/site.git",
        "git_branch": "main",
        "git_commit_hash": month.commit(start, "example/site"),
        "git_commit_source": "ci",
        "git_commit_author": "Ada <ada@example.com>",
        "context_json": {
            "model": "writer-3" if agent is not AUDITOR else None,
            "python": "3.13.1",
            "worker": {"slot": chance.randint(0, 7), "queue": agent.job_type},
        },
    }


def _end(chance: Random, start: datetime, seconds: float, status: str) -> Run:
    """Return what an agent sends about time and outcome when a run has ended."""
    return {
        "status": status,
        "end_time": utc_text(start + timedelta(seconds=seconds)),
        "duration_ms": round(seconds * 1000),
        "api_posted": True,
        "api_retry_count": 1 if chance.random() < 0.03 else 0,
    }


def _items(chance: Random, usual: int, status: str) -> Run:
    found = max(1, round(around(chance, usual, 0.3)))
    skipped = chance.randint(0, max(1, found // 12))
    done = {"success": found, "partial": round(found * 0.7)}.get(status, chance.randint(0, found))
    failed = found - done if status in ("partial", "failure") else 0
    return {
        "items_discovered": found + skipped,
        "items_succeeded": done,
        "items_failed": failed,
        "items_skipped": skipped,
        "input_summary": f"{found + skipped} items",
        "output_summary": f"{done} of {found + skipped} done",
    }


def _failure(chance: Random, agent: Agent, status: str, error: str) -> Run:
    if status in ("success", "cancelled"):
        return {}
    if status == "timeout":
        return {"error_summary": f"{agent.job_type} exceeded its limit of 30 minutes"}
    module = agent.name.replace("-", "_")
    details = TRACEBACK.format(module=module, error=error, line=chance.choice((112, 130)))
    return {"error_summary": error, "error_details": details}


def _metrics(chance: Random, agent: Agent, seconds: float) -> Run:
    if agent is AUDITOR:
        pages = round(seconds * 0.6)
        return {"pages": pages, "broken_links": chance.randint(0, 9), "requests": pages * 3}
    read, written = round(around(chance, 18_000, 0.4)), round(around(chance, 6_000, 0.4))
    cost = round(read * 3e-6 + written * 15e-6, 4)
    retries = chance.choice((0, 0, 0, 0, 1, 2))
    return {"tokens_in": read, "tokens_out": written, "cost_usd": cost, "retries": retries}


def _steps(chance: Random, parent: Run) -> Iterator[Run]:
    """Yield the steps of a run, one after the other, as runs of their own."""
    start = datetime.fromisoformat(parent["start_time"])
    failing = chance.choice([*STEPS]) if parent["status"] != "success" else None
    for step, share in STEPS.items():
        seconds = parent["duration_ms"] / 1000 * share
        status = parent["status"] if step == failing else "success"
        own = {"error_summary", "error_details"} if step == failing else set()
        kept = {name: it for name, it in parent.items() if name not in _OF_THE_WHOLE or name in own}
        yield {
            **kept,
            **_end(chance, start, seconds, status),
            "event_id": identifier(chance),
            "run_id": f"{parent['run_id']}-{step}",
            "parent_run_id": parent["run_id"],
            "job_type": step,
            "start_time": utc_text(start),
            "created_at": utc_text(start + timedelta(milliseconds=50)),
            "metrics_json": {"tokens_in": round(parent["metrics_json"]["tokens_in"] * share)},
        }
        if step == failing:
            return
        start += timedelta(seconds=seconds)


# What a step does not take over from its run.
_OF_THE_WHOLE = {
    "error_summary",
    "error_details",
    "items_discovered",
    "items_succeeded",
    "items_failed",
    "items_skipped",
    "input_summary",
    "output_summary",
    "context_json",
}


def _in_outage(month: Month, moment: datetime) -> bool:
    first, last = OUTAGE
    return month.ago(hours=first) <= moment <= month.ago(hours=last)
