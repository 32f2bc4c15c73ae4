"""The overview: whether everything is all right."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from telemetry.database.database import Row
from telemetry.pages import charts, formats
from telemetry.pages.durations import length
from telemetry.pages.states import FAILED, STACK, STATES, state_of
from telemetry.pages.store import RunPages
from telemetry.pages.window import Window

AGENTS = 20
STRIP_RUNS = 40
FAILURES = 6

# As many as a page of at most 150 kB holds.
ALL_AGENTS = 200

# Below this share of successes an agent stands out.
GOOD_SHARE = 0.9


class Asked(NamedTuple):
    """What the overview shows: a window, and the runs of an agent and an environment, or all."""

    window: Window
    agent_name: str | None
    environment: str | None
    agents: int = AGENTS

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that every statement about runs takes."""
        names = {"agent_name": self.agent_name, "environment": self.environment}
        return {**self.window.parameters, **names}


def readers(store: RunPages, asked: Asked) -> dict[str, Callable[[], Any]]:
    """Return what reads many rows, the slowest first, to be read at the same time."""
    window = asked.window
    bars = {
        "created_before_window": window.start_before,
        "step": window.step,
        "statuses": [*STACK],
    }
    return {
        "failures": lambda: store.failures(asked.parameters, FAILURES),
        "agents": lambda: store.agents(
            {**asked.parameters, "good_share": GOOD_SHARE}, asked.agents
        ),
        "counted": lambda: store.states_over_time({**asked.parameters, **bars}),
        "running": lambda: store.running(asked.parameters),
    }


def collect(store: RunPages, asked: Asked, read: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return what the overview shows of runs, given what the readers have read."""
    agents, counted = read["agents"], read["counted"]
    names = [row["agent_name"] for row in agents]
    latest = store.latest_runs(names, asked.environment, STRIP_RUNS)
    by_agent: dict[str, list[Row]] = defaultdict(list)
    for run in latest:
        by_agent[run["agent_name"]].append(run)
    return {
        "figures": figures(counted, read["running"], asked.window, now),
        "chart": chart(counted, asked.window),
        "agents": [_agent(row, by_agent[row["agent_name"]], now) for row in agents],
        "agent_count": agents[0]["agents"] if agents else 0,
        # Suggestions only: no index lists all of them.
        "environments": sorted({row["environment"] for row in latest if row["environment"]}),
        "failures": read["failures"],
    }


def figures(
    counted: Iterable[Row], running: Row, window: Window, now: datetime
) -> list[dict[str, Any]]:
    """Return the figure of each state, in the order of the page."""
    before: dict[str, int] = defaultdict(int)
    after: dict[str, int] = defaultdict(int)
    for row in counted:
        (before if row["bucket"] is None else after)[row["status"]] += row["runs"]
    stale = running["stale"]
    since = formats.as_time(running["running_since"])
    longest = formats.duration(max(0.0, (now - since).total_seconds() * 1000)) if since else ""
    notes = {
        "running": f"longest {longest}" if longest else "none",
        "stale": running["stale_agent"] or "none",
    }
    counts = {**after, "running": after["running"] - stale, "stale": stale}
    return [
        {
            "state": state,
            "count": counts.get(state, 0),
            "note": notes.get(state) or formats.change(before[state], after[state]),
            "since": "" if state in notes else window.before,
            "worse": state in FAILED and after[state] > before[state],
        }
        for state in STATES
    ]


def chart(counted: Iterable[Row], window: Window) -> dict[str, Any]:
    """Return the bars of runs over time, with what the table behind them shows."""
    bars = window.bars
    counts: list[dict[str, int]] = [dict.fromkeys(STACK, 0) for _ in bars]
    for place, row in window.placed(counted):
        counts[place][row["status"]] += row["runs"]
    stacked = charts.stack([[(state, bar[state]) for state in STACK] for bar in counts])
    largest = max(sum(bar.values()) for bar in counts)
    slot = 100 / len(bars)
    # The bars at both ends count what the window has of them.
    starts = [max(start, window.start) for start in bars]
    ends = [*bars[1:], window.until]
    return {
        "bars": [
            {
                "start": start,
                "end": end,
                "counts": count,
                "total": sum(count.values()),
                "segments": segments,
                "x": round(slot * number, 3),
                "width": round(slot, 3),
            }
            for number, (start, end, count, segments) in enumerate(
                zip(starts, ends, counts, stacked, strict=True)
            )
        ],
        "lines": charts.grid(largest),
        "labels": charts.labels([start.strftime(window.form) for start in bars]),
        "states": [state for state in STACK if any(count[state] for count in counts)],
    }


def _agent(agent: Row, runs: Sequence[Row], now: datetime) -> dict[str, Any]:
    """Return the row of an agent; ``runs`` are its latest ones, newest first."""
    jobs = list(dict.fromkeys(run["job_type"] for run in runs))
    cells = [(state_of(run), length(run, now) or 0.0) for run in reversed(runs)]
    counts = {state: sum(it == state for it, _ in cells) for state, _ in cells}
    return {
        **agent,
        "p50_ms": agent["percentiles"] and agent["percentiles"][0],
        "p95_ms": agent["percentiles"] and agent["percentiles"][1],
        "job": jobs[0] if len(jobs) == 1 else f"{len(jobs)} jobs" if jobs else "",
        "strip": charts.strip(cells, STRIP_RUNS),
        "strip_text": ", ".join(f"{count} {state}" for state, count in counts.items()),
        "is_low": agent["ended"] > 0 and agent["succeeded"] < GOOD_SHARE * agent["ended"],
    }
