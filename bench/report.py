"""The figures as tables: medians over the rounds, and medians of the ratio within each round."""

import textwrap
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from bench.scenarios import Scenario, Target

NONE = "-"
Measured = dict[str, list[dict[str, Any]]]


def scenario(of: Scenario, measured: Measured) -> list[str]:
    """Return the section of a scenario, in Markdown."""
    lines = [f"### {of.title}", "", *_rates(of, measured), ""]
    if len(of.entries) > 1:
        lines += [*_ratios(of, measured), ""]
    return lines


def python_line(versions: Mapping[str, str]) -> str:
    """Return the Python versions as a sentence."""
    return f"Python: {', '.join(f'{name} {version}' for name, version in versions.items())}."


def paragraph(text: str) -> list[str]:
    """Return the text as lines that fit on a screen, and an empty line."""
    return [*textwrap.wrap(text.strip(), 118, break_long_words=False, break_on_hyphens=False), ""]


def ratio(measured: Measured, ours: str, target: Target) -> float:
    """Return the median over the rounds of our rate divided by theirs.

    With ``p99`` it is their p99 latency divided by ours.
    """
    pairs = zip(measured[ours], measured[target.than], strict=True)
    if target.p99:
        return median(theirs["p99_ms"] / max(mine["p99_ms"], 0.001) for mine, theirs in pairs)
    return median(mine["rate"] / max(theirs["rate"], 0.001) for mine, theirs in pairs)


def _rates(of: Scenario, measured: Measured) -> Iterable[str]:
    yield f"| who | {of.unit} | p50 ms | p99 ms | CPU s per 1,000: client | web | database |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, rounds in measured.items():
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


def _ratios(of: Scenario, measured: Measured) -> Iterable[str]:
    ours = of.entries[0].name
    yield "| ours compared with | ratio | by CPU | target | met |"
    yield "| --- | ---: | ---: | ---: | --- |"
    with_target = {target.than for target in of.targets}
    for target in of.targets:
        value = ratio(measured, ours, target)
        what = f"{target.than}, p99 (theirs / ours)" if target.p99 else target.than
        met = "yes" if value >= target.at_least else "**no**"
        cpu = "" if target.p99 else f"{_ratio_by_cpu(measured, ours, target.than):.2f}"
        yield f"| {what} | {value:.2f} | {cpu} | ≥ {target.at_least:g} | {met} |"
    for entry in of.entries[1:]:
        if entry.name not in with_target:
            value = ratio(measured, ours, Target(entry.name, 0))
            cpu = f"{_ratio_by_cpu(measured, ours, entry.name):.2f}"
            yield f"| {entry.name} | {value:.2f} | {cpu} | | |"


def _ratio_by_cpu(measured: Measured, ours: str, than: str) -> float:
    """Return their CPU seconds divided by ours, over the client, web and database processes."""
    spent = {
        name: median(sum(one["cpu"].values()) for one in measured[name]) for name in (ours, than)
    }
    return spent[than] / spent[ours]
