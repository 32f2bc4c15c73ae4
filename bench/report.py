"""The figures as tables: medians over the rounds, and ratios of each round's own pair."""

from collections.abc import Iterable
from statistics import median
from typing import Any

from bench.scenarios import Scenario, Target

NONE = "-"
Played = dict[str, list[dict[str, Any]]]


def scenario(measured: Scenario, played: Played) -> list[str]:
    """Return a scenario's section, in Markdown."""
    lines = [f"### {measured.title}", "", *_rates(measured, played), ""]
    if len(measured.entries) > 1:
        lines += [*_ratios(measured, played), ""]
    return lines


def ratio(played: Played, ours: str, target: Target) -> float:
    """Return how many times as fast (or with ``p99`` as quick) ours is: the rounds' median."""
    pairs = zip(played[ours], played[target.than], strict=True)
    if target.p99:
        return median(theirs["p99_ms"] / max(mine["p99_ms"], 0.001) for mine, theirs in pairs)
    return median(mine["rate"] / max(theirs["rate"], 0.001) for mine, theirs in pairs)


def _rates(measured: Scenario, played: Played) -> Iterable[str]:
    yield f"| who | {measured.unit} | p50 ms | p99 ms | CPU s per 1,000: client | web | database |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, rounds in played.items():
        cpu = [
            f"{median(one['cpu'][group] for one in rounds):.3f}"
            if group in rounds[0]["cpu"]
            else NONE
            for group in ("client", "web", "database")
        ]
        yield (
            f"| {name} | {median(one['rate'] for one in rounds):,.0f}"
            f" | {median(one['p50_ms'] for one in rounds):.1f}"
            f" | {median(one['p99_ms'] for one in rounds):.1f} | {' | '.join(cpu)} |"
        )


def _ratios(measured: Scenario, played: Played) -> Iterable[str]:
    ours = measured.entries[0].name
    yield "| ours compared with | ratio | target | met |"
    yield "| --- | ---: | ---: | --- |"
    told = {target.than for target in measured.targets}
    for target in measured.targets:
        value = ratio(played, ours, target)
        what = f"{target.than}, p99 (theirs / ours)" if target.p99 else target.than
        met = "yes" if value >= target.at_least else "**no**"
        yield f"| {what} | {value:.2f} | ≥ {target.at_least:g} | {met} |"
    for entry in measured.entries[1:]:
        if entry.name not in told:
            yield f"| {entry.name} | {ratio(played, ours, Target(entry.name, 0)):.2f} | | |"
