"""``python -m bench.loss``: what this client, MLflow's and OpenTelemetry's lose and cost.

An agent reports ten runs per second. After ten seconds its service is away for ten seconds, and
the agent is killed: during the outage, or five seconds after it. Then it is started again, as a
supervisor does. The other clients are installed into a virtual environment of their own.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from bench import loss_services, machine, postgres
from bench.loss_relay import Relay
from tests.support.server import folder
from tests.support.service import PROJECT

REQUIREMENTS = PROJECT / "bench/requirements-others.txt"
NAMES = {
    "telemetry": "telemetry.client",
    "mlflow": "MLflow's client",
    "opentelemetry": "OpenTelemetry, batch processor",
}
AWAY_AT, BACK_AT = 10.0, 20.0
KILLED_AT = {"5 s after the service is back": 25.0, "in the middle of the outage": 15.0}
REST_SECONDS = 120


class Call(NamedTuple):
    """A call of the agent; times in microseconds. ``outcome`` is None when it never returned."""

    kind: str
    run: int
    at: float
    outcome: str | None
    cpu: float
    wall: float


class Turn(NamedTuple):
    """What a client lost in one turn, and what it cost the calling thread."""

    started: int
    starts_lost: int
    ended: int
    ends_lost: int
    raised: int
    longest_s: float
    cpu_us: list[float]
    wall_us: list[float]


def main() -> None:
    """Measure the clients that the command line selects, and print the tables."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    python = _interpreter(options.venv.absolute())
    names = options.client or [*NAMES]
    with (
        folder() as work,
        postgres.running(work) as server,
        loss_services.running(names, python, work, server) as services,
    ):
        for title, killed_at in KILLED_AT.items():
            turns: dict[str, list[Turn]] = {name: [] for name in names}
            for number in range(options.rounds):
                for name in names:
                    prefix = f"{name}-{killed_at:.0f}-{number}"
                    turns[name].append(_turn(name, services[name], python, killed_at, prefix))
                    print(f"{prefix}: {_shown(turns[name][-1])}", file=sys.stderr, flush=True)
            print("\n".join(_table(title, turns)), flush=True)
    print(_about(python, options.rounds))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.loss", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each client (3)")
    parser.add_argument("--client", action="append", choices=[*NAMES], help="only this one")
    parser.add_argument(
        "--venv",
        type=Path,
        default=PROJECT / ".venv-bench-others",
        help="where the other clients are installed (.venv-bench-others)",
    )
    return parser.parse_args()


def _interpreter(venv: Path) -> Path:
    """Return the interpreter that has the other clients; install them unless it has."""
    python, stamp = venv / "bin/python", venv / "installed"
    wanted = REQUIREMENTS.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "-r", REQUIREMENTS], check=True)
        stamp.write_text(wanted)
    return python


def _turn(
    name: str, backing: loss_services.Backing, python: Path, killed_at: float, prefix: str
) -> Turn:
    relay = Relay(backing.port)
    relay.up()
    # Not in memory: an agent's spool is on a disk.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as spool:
        notes = Path(spool) / "notes"
        arguments = [name, relay.url, str(Path(spool) / "spool"), prefix, str(notes)]
        with _agent(python, *arguments, "work") as agent:
            began = _wait_for(notes)
            moments = [(AWAY_AT, relay.down), (BACK_AT, relay.up), (killed_at, agent.kill)]
            for at, act in sorted(moments, key=lambda moment: moment[0]):
                time.sleep(max(0.0, began + at - time.time()))
                act()
                if at == killed_at:
                    killed = time.time()
        with _agent(python, *arguments, "rest") as successor:
            successor.wait(REST_SECONDS)
        relay.down()
        calls = _calls(notes.read_text(), killed)
    return _counted(calls, backing.stored(f"{prefix}-"), prefix, began)


@contextmanager
def _agent(python: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start an agent, and make sure that it does not outlive the block."""
    agent = subprocess.Popen(
        [python, "-m", "bench.loss_agent", *arguments],
        cwd=PROJECT,
        env=loss_services.others_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield agent
    finally:
        agent.kill()
        agent.wait()


def _wait_for(notes: Path) -> float:
    """Return when the agent made its first call, once it has."""
    for _ in range(600):
        if notes.exists() and "\n" in (text := notes.read_text()):
            return float(text.split("\n")[0].split()[3])
        time.sleep(0.1)
    raise TimeoutError("the agent does not begin")


def _calls(text: str, killed: float) -> list[Call]:
    """Return the calls that the agent noted. One that never returned lasted until it was killed."""
    open_: dict[tuple[str, str], float] = {}
    calls = []
    for line in text.split("\n")[:-1]:  # a torn last line was not noted
        outcome, kind, run, *numbers = line.split()
        if outcome == "call":
            open_[kind, run] = float(numbers[0])
        else:
            at = open_.pop((kind, run))
            calls.append(Call(kind, int(run), at, outcome, float(numbers[0]), float(numbers[1])))
    for (kind, run), at in open_.items():
        calls.append(Call(kind, int(run), at, None, 0, (killed - at) * 1e6))
    return calls


def _counted(calls: list[Call], stored: loss_services.Stored, prefix: str, began: float) -> Turn:
    """Return what is missing of what the calls confirmed, and the cost before the outage."""
    confirmed: dict[str, set[str]] = {"start": set(), "report": set(), "end": set()}
    calm: dict[int, list[Call]] = {}
    for call in calls:
        if call.outcome == "done":
            confirmed[call.kind].add(f"{prefix}-{call.run}")
            if began + 1 < call.at < began + AWAY_AT - 1:  # after the first one, which connects
                calm.setdefault(call.run, []).append(call)
    whole = [of_run for of_run in calm.values() if len(of_run) == 3]
    ended = {name for name, has_ended in stored.items() if has_ended}
    return Turn(
        started=len(confirmed["start"]),
        starts_lost=len(confirmed["start"] - stored.keys()),
        ended=len(confirmed["end"]),
        ends_lost=len(confirmed["end"] - ended),
        raised=sum((call.outcome or "").startswith("raised") for call in calls),
        longest_s=max(call.wall for call in calls) / 1e6,
        cpu_us=[sum(call.cpu for call in of_run) for of_run in whole],
        wall_us=[sum(call.wall for call in of_run) for of_run in whole],
    )


def _shown(turn: Turn) -> dict[str, Any]:
    medians = {name: statistics.median(getattr(turn, name)) for name in ("cpu_us", "wall_us")}
    return {**turn._asdict(), **medians}


def _table(title: str, turns: dict[str, list[Turn]]) -> list[str]:
    lines = [
        f"The agent is killed {title}:",
        "",
        "| client | runs begun | lost | ends reported | lost | calls that raised"
        " | longest call, s | CPU per run, µs | time per run, ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, all_ in turns.items():
        cpu = statistics.median(each for turn in all_ for each in turn.cpu_us)
        wall = statistics.median(each for turn in all_ for each in turn.wall_us) / 1000
        counts = [
            sum(getattr(turn, field) for turn in all_)
            for field in ("started", "starts_lost", "ended", "ends_lost", "raised")
        ]
        longest = max(turn.longest_s for turn in all_)
        cells = [NAMES[name], *(f"{it:,}" for it in counts), f"{longest:.3f}", f"{cpu:,.0f}"]
        lines.append(f"| {' | '.join(cells)} | {wall:.2f} |")
    return [*lines, ""]


def _about(python: Path, rounds: int) -> str:
    frozen = subprocess.check_output([python, "-m", "pip", "freeze"], text=True)
    versions = [it for it in frozen.split() if it in REQUIREMENTS.read_text()]
    described = machine.describe()
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M}; {rounds} rounds; {described['CPU']}; load average"
        f" {os.getloadavg()[1]:.1f}; {', '.join(versions)}"
    )


if __name__ == "__main__":
    main()
