"""``python -m telemetry doctor``."""

import json
import os
import sys

import click

from telemetry.cli.examples import examples
from telemetry.cli.failures import CommandFailed
from telemetry.doctor.examination import examine
from telemetry.doctor.finding import LEVELS, Finding, Level, worst

STATUSES: dict[Level, int] = {"ok": 0, "warning": 0, "problem": 1, "unchecked": 2}

WIDTH = max(map(len, LEVELS))


@click.command(
    epilog=examples("python -m telemetry doctor", "python -m telemetry doctor --json --strict")
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")
@click.option("--strict", is_flag=True, help="Exit with 1 for a warning too.")
def doctor(*, as_json: bool, strict: bool) -> None:
    """Check the deployment end to end, and say what is wrong and how to fix it.

    It reads the same variables and connects as the service does. Run it where the service runs. A
    trial write is rolled back; nothing else is written. Each check ends within seconds, even when
    the database hangs.

    The exit status is 0 when all is well, 1 for a problem, and 2 when a check could not be done or
    the command line is wrong. A warning changes it with --strict alone.
    """
    found: list[Finding] = []
    try:
        for finding in examine(os.environ):
            found.append(finding)
            if not as_json:
                _print(finding)
    except KeyboardInterrupt:
        raise CommandFailed("interrupted") from None
    level = worst(found)
    if as_json:
        click.echo(json.dumps({"status": level, "findings": [it._asdict() for it in found]}))
    else:
        click.echo(_summary(found), err=True)
    sys.exit(1 if strict and level == "warning" else STATUSES[level])


def _print(it: Finding) -> None:
    place = f" ({it.place})" if it.place else ""
    click.echo(f"{it.level:{WIDTH}}  {it.check}{place}: {it.says}")
    if it.fix:
        click.echo(f"{'':{WIDTH}}  fix: {it.fix}")


def _summary(found: list[Finding]) -> str:
    counts = {level: sum(it.level == level for it in found) for level in reversed(LEVELS)}
    words: dict[Level, str] = {
        "problem": "problem(s)",
        "unchecked": "unchecked",
        "warning": "warning(s)",
    }
    named = [f"{counts[level]} {word}" for level, word in words.items() if counts[level]]
    return ", ".join(named) or "all is well"
