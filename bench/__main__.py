"""``make bench``: measures, prints the ratios, and writes bench/RESULTS.md."""

import argparse
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import machine, memory, report, turns, write
from bench.scenarios import SCENARIOS
from tests.support.server import folder

NAMES = [*(scenario.name for scenario in SCENARIOS), "memory"]


def main() -> None:
    """Run the scenarios that the command line names."""
    options = _options()
    # Whoever ends it this way shall find nothing left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if shutil.which("wrk") is None:
        sys.exit("bench: wrk is not installed; on Debian and Ubuntu: apt-get install wrk")
    names = options.scenario or NAMES
    chosen = [scenario for scenario in SCENARIOS if scenario.name in names]
    if options.other:
        chosen = [scenario.with_other() for scenario in chosen]
    results = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine.describe(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "scenarios": {},
    }
    with folder() as work, turns.stage(work, options.other) as stage:
        results["versions"] = machine.versions(stage.postgres.url)
        for scenario in chosen:
            played = turns.play(stage, scenario, options.rounds, options.seconds)
            results["scenarios"][scenario.name] = played
            print("\n".join(report.scenario(scenario, played)), flush=True)
        if "memory" in names:
            results["memory"] = memory.measure(stage, options.memory_requests)
            print("\n".join(memory.section(results["memory"])), flush=True)
    if not options.scenario if options.write is None else options.write:
        write.write(results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each scenario (3)")
    parser.add_argument("--seconds", type=int, default=10, help="seconds of each turn (10)")
    parser.add_argument(
        "--scenario",
        action="append",
        choices=NAMES,
        help="only this one; may be given several times",
    )
    parser.add_argument(
        "--memory-requests",
        type=int,
        default=200_000,
        help="requests after which the memory has to be as before (200000)",
    )
    parser.add_argument(
        "--other",
        type=Path,
        metavar="FOLDER",
        help="let this service, as it is in that checkout, take part as well",
    )
    parser.add_argument(
        "--write",
        action=argparse.BooleanOptionalAction,
        help="write RESULTS.md, results.json and results.svg (default: without --scenario)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
