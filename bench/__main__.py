"""``make bench``: measures, prints the ratios, and writes bench/RESULTS.md when asked to."""

import argparse
import shutil
import sys
from datetime import UTC, datetime

from bench import machine, report, turns
from bench.scenarios import SCENARIOS
from tests.server import folder


def main() -> None:
    """Run the scenarios that the command line names."""
    options = _options()
    if shutil.which("wrk") is None:
        sys.exit("bench: wrk is not installed; on Debian and Ubuntu: apt-get install wrk")
    chosen = [one for one in SCENARIOS if not options.scenario or one.name in options.scenario]
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
    if options.write:
        report.write(results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each scenario (3)")
    parser.add_argument("--seconds", type=int, default=10, help="seconds of each turn (10)")
    parser.add_argument(
        "--scenario",
        action="append",
        choices=[scenario.name for scenario in SCENARIOS],
        help="only this one; may be given several times",
    )
    parser.add_argument(
        "--write", action="store_true", help="write bench/RESULTS.md, results.json and results.svg"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
