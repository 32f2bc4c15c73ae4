"""What the client costs an agent: each call, pushing runs as fast as it can, an outage."""

import json
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from bench import cpu, postgres, prepare, turns
from tests.support.service import PROJECT, environment, free_port

CALL_TARGET_US = 20
PUSH_TARGET = 10_000
MEMORY_TARGET_MIB = 8


def measure(systems: turns.Systems, rounds: int) -> dict[str, Any]:
    """Return the medians of several rounds, each over an empty table."""
    ours = systems.get("ours")
    assert ours.web is not None
    groups = {"web": ours.web.process, "database": systems.postgres.process}
    calls, pushes = [], []
    for _ in range(rounds):
        calls.append(_agent("calls", ours.target))
        prepare.empty(ours.database_url)
        postgres.tidy(ours.database_url)
        before = cpu.seconds(groups)
        pushed = _agent("push", ours.target)
        postgres.wait_until_idle(ours.database_url)
        used = cpu.between(before, cpu.seconds(groups))
        stored = postgres.ask(
            ours.database_url, "SELECT count(*) FROM agent_runs WHERE status = 'success'"
        )
        all_runs = pushed["runs"] + pushed["warm_up_runs"]
        if stored != all_runs or not pushed["complete"]:
            raise turns.WrongCount(f"{stored} runs are stored, not {all_runs}: {pushed}")
        pushed["cpu"] = {name: spent * 1000 / all_runs for name, spent in used.items()}
        pushes.append(pushed)
    return {
        "calls": {name: statistics.median(one[name] for one in calls) for name in calls[0]},
        "rate": statistics.median(one["runs"] / one["seconds"] for one in pushes),
        "cpu": {
            name: statistics.median(one["cpu"][name] for one in pushes) for name in pushes[0]["cpu"]
        },
        "away": _agent("away", f"http://127.0.0.1:{free_port()}"),
    }


def section(measured: dict[str, Any]) -> list[str]:
    """Return the section of the report, in Markdown."""
    used, away = measured["cpu"], measured["away"]
    growth = away["mib_after"] - away["mib_before"]
    core_rate = 1000 / used["client"]
    return [
        "### The client",
        "",
        "One agent process reports runs that start and end: CPU of its calling thread per call,",
        "and of all its threads, with gzip and HTTP. It shares the cores with web and database.",
        "",
        "| what | measured | target | met |",
        "| --- | ---: | ---: | --- |",
        *(
            f"| {name}, µs | {spent:.1f} | < {CALL_TARGET_US} | {_met(spent < CALL_TARGET_US)} |"
            for name, spent in measured["calls"].items()
        ),
        f"| runs/s stored | {measured['rate']:,.0f} | > {PUSH_TARGET:,}"
        f" | {_met(measured['rate'] > PUSH_TARGET)} |",
        f"| runs per CPU second of the agent | {core_rate:,.0f} | > {PUSH_TARGET:,}"
        f" | {_met(core_rate > PUSH_TARGET)} |",
        f"| CPU s per 1,000 runs: agent, web, database | {used['client']:.3f}, {used['web']:.3f},"
        f" {used['database']:.3f} | | |",
        f"| MiB more after {away['runs']:,} runs while the service is away ({away['spool_mib']:.0f}"
        f" MiB in the spool) | {growth:.1f} | < {MEMORY_TARGET_MIB}"
        f" | {_met(growth < MEMORY_TARGET_MIB)} |",
        "",
    ]


def _met(yes: bool) -> str:
    return "yes" if yes else "**no**"


def _agent(kind: str, url: str) -> dict[str, Any]:
    # Not in memory: an agent's spool is on a disk.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as spool:
        done = subprocess.run(
            [sys.executable, "-m", "bench.agent", kind, url, spool],
            cwd=PROJECT,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    result: dict[str, Any] = json.loads(done.stdout)
    return result
