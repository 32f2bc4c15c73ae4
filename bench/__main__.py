"""``make bench``: measures, prints the ratios, and writes bench/RESULTS.md when asked to."""

import argparse
import shutil
import sys
from datetime import UTC, datetime

from bench import machine, memory, report, turns, write
from bench.scenarios import SCENARIOS
from tests.server import folder

NAMES = [*(scenario.name for scenario in SCENARIOS), "memory"]


def main() -> None:
    """Run the scenarios that the command line names."""
    options = _options()
    if shutil.which("wrk") is None:
        sys.exit("bench: wrk is not installed; on Debian and Ubuntu: apt-get install wrk")
    names = options.scenario or NAMES
    chosen = [scenario for scenario in SCENARIOS if scenario.name in names]
    results = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine.describe(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "scenarios": {},
    }
    with folder() as work, turns.stage(work) as stage:
        results["versions"] = machine.versions(stage.postgres.url)
        for scenario in chosen:
            played = turns.play(stage, scenario, options.rounds, options.seconds)
            results["scenarios"][scenario.name] = played
            print("\n".join(report.scenario(scenario, played)), flush=True)
        if "memory" in names:
            results["memory"] = memory.measure(stage, options.memory_requests)
            print("\n".join(memory.section(results["memory"])), flush=True)
    if options.write:
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
        "--write", action="store_true", help="write bench/RESULTS.md, results.json and results.svg"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
