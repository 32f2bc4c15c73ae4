"""``make bench``: measures the scenarios, prints the ratios and writes bench/RESULTS.md."""

import argparse
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import agents, calls, machine, memory, report, service, turns, write
from bench.scenarios import SCENARIOS, Scenario
from tests.support.server import folder

NAMES = [*(scenario.name for scenario in SCENARIOS), "memory", "calls", "client"]


def main() -> None:
    """Run the scenarios that the command line selects."""
    options = _options()
    # An exit instead of a kill, so that every server is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if shutil.which("wrk") is None:
        sys.exit("bench: wrk is not installed; on Debian and Ubuntu: apt-get install wrk")
    names = options.scenario or NAMES
    variants = _variants(options)
    python = machine.python_versions(variants)
    print(f"{report.python_line(python)}\n", flush=True)
    results = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine.describe(),
        "python": python,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "scenarios": {},
    }
    with folder() as work, turns.systems(work, variants) as systems:
        results["versions"] = machine.versions(systems.postgres.url)
        for scenario in _selected(names, variants):
            measured = turns.measure(systems, scenario, options.rounds, options.seconds)
            results["scenarios"][scenario.name] = measured
            _print(report.scenario(scenario, measured))
        if "memory" in names:
            results["memory"] = memory.measure(systems, options.memory_requests)
            _print(memory.section(results["memory"]))
        if "calls" in names:
            results["calls"] = calls.measure(systems.postgres.create_migrated("calls"))
            _print(calls.section(results["calls"]))
        if "client" in names:
            results["client"] = agents.measure(systems, options.rounds)
            _print(agents.section(results["client"]))
    if not options.scenario if options.write is None else options.write:
        write.write(results)


def _variants(options: argparse.Namespace) -> dict[str, service.Variant]:
    """Return the variants of this service that take part: ``ours``, and ``other`` on request."""
    ours = service.Variant(python=options.python.absolute())
    if not (options.other or options.other_python):
        return {"ours": ours}
    python = options.other_python or options.python
    other = service.Variant(options.other or ours.checkout, python.absolute())
    return {"ours": ours, "other": other}


def _selected(names: list[str], variants: dict[str, service.Variant]) -> list[Scenario]:
    selected = [scenario for scenario in SCENARIOS if scenario.name in names]
    return [scenario.with_other() for scenario in selected] if "other" in variants else selected


def _print(lines: list[Any]) -> None:
    print("\n".join(lines), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds per scenario (3)")
    parser.add_argument("--seconds", type=int, default=10, help="seconds per turn (10)")
    parser.add_argument(
        "--scenario",
        action="append",
        choices=NAMES,
        help="run only this scenario; may be repeated",
    )
    parser.add_argument(
        "--memory-requests",
        type=int,
        default=200_000,
        help="requests after which a worker must need no more memory (200000)",
    )
    parser.add_argument(
        "--python",
        type=Path,
        default=Path(sys.executable),
        metavar="PATH",
        help="interpreter that runs this service, with its requirements installed (the bench's)",
    )
    parser.add_argument(
        "--other",
        type=Path,
        metavar="FOLDER",
        help="also measure the service in this other checkout",
    )
    parser.add_argument(
        "--other-python",
        type=Path,
        metavar="PATH",
        help="interpreter for the other service (--python's); without --other, for this checkout",
    )
    parser.add_argument(
        "--write",
        action=argparse.BooleanOptionalAction,
        help="write RESULTS.md, results.json and results.svg (default: unless --scenario is given)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
