"""``python -m telemetry.client run -- COMMAND``: reports a command of any language as a run."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from telemetry.client.client import TelemetryClient
from telemetry.client.run import RunContext
from telemetry.client.wrapper.command import Command, Ended
from telemetry.client.wrapper.signals import Signals

_TAIL_BYTES = 16 * 1024
_FLUSH_SECONDS = 5.0

_DESCRIPTION = """\
Run COMMAND as it would run alone, and report it as a run: its start, the end of its output, its
exit status and its duration. Signals and output are passed on, and the exit status is that of
COMMAND, 128+N after signal N. When the service does not respond, the job runs all the same, and the
report waits on disk for the next client.
"""

_EPILOGUE = """\
environment:
  TELEMETRY_API_URL         the service (as --url)
  TELEMETRY_API_AUTH_TOKEN  its token; no option, because everyone can read those
  TELEMETRY_AGENT_NAME      as --agent-name
  TELEMETRY_JOB_TYPE        as --job-type
  TELEMETRY_TRIGGER_TYPE    as --trigger-type
  TELEMETRY_SPOOL_DIR       where reports wait until they are sent
  TELEMETRY_RUN_ID          the run that this one is a part of: it becomes parent_run_id

COMMAND gets the ids of its run as TELEMETRY_RUN_ID and TELEMETRY_EVENT_ID, so the runs that it
starts are children of its run. Its arguments are not reported: they may hold passwords.

example:
  */5 * * * *  python3 -m telemetry.client run --agent-name backup -- /usr/local/bin/backup --all
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command of the arguments; return its exit status."""
    options, command_line = _parse(arguments, os.environ)
    _open_standard_files()
    logging.basicConfig(format="telemetry.client: %(message)s")
    signals = Signals()
    signals.install()
    run = _begin(options, command_line[0])
    command = Command(command_line, signals, 0 if options.no_output else options.tail_bytes)
    ended = command.run(_environment(run, options.url))
    _end(run, ended)
    signals.leave(ended.exit_status)
    command.pass_output_on()
    if run is not None:
        run.client.close(options.flush_seconds)
    return ended.exit_status


def _open_standard_files() -> None:
    """Open those that are closed: the spool would take their numbers, and the output of COMMAND."""
    while True:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened > 2:
            os.close(opened)
            return
        os.set_inheritable(opened, True)


def _begin(options: argparse.Namespace, program: str) -> RunContext | None:
    """Record the start of the run; None when even that is impossible."""
    try:
        name = options.agent_name or Path(program).name
        fields: Any = dict(options.field)
        client = TelemetryClient(options.url, agent_name=name, exit_seconds=0.0)
        return client.begin_run(None, options.job_type, options.trigger_type, **fields)
    except Exception as error:
        print(f"telemetry.client: the run is not reported: {error!r}", file=sys.stderr)
        return None


def _end(run: RunContext | None, ended: Ended) -> None:
    """Record the end of the run."""
    if run is None:
        return
    outcome: Any = {"metrics_json": {"exit_status": ended.exit_status, **_usage()}}
    if ended.output:
        outcome["output_summary"] = ended.output
    if ended.summary:
        outcome["error_summary"] = ended.summary
        if ended.errors:
            outcome["error_details"] = ended.errors
    run.end(ended.status, **outcome)


def _environment(run: RunContext | None, url: str | None) -> Mapping[str, str]:
    """Return the environment of the command, which names its run and the service."""
    environ = dict(os.environ)
    if url:
        environ["TELEMETRY_API_URL"] = url
    if run is not None:
        environ.update(TELEMETRY_RUN_ID=run.run_id, TELEMETRY_EVENT_ID=run.event_id)
    return environ


def _usage() -> dict[str, Any]:
    """Return what the command has used of the machine, where the system counts it."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return {}
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "user_seconds": round(used.ru_utime, 3),
        "system_seconds": round(used.ru_stime, 3),
        "max_rss_bytes": used.ru_maxrss * unit,
    }


def _parse(
    arguments: Sequence[str], environ: Mapping[str, str]
) -> tuple[argparse.Namespace, list[str]]:
    """Return the options and the command. Exits with status 2 when they cannot be used."""
    given = [*arguments]
    # What follows belongs to the command, options and further dashes included.
    dashes = given.index("--") if "--" in given else len(given)
    parser = argparse.ArgumentParser(prog="python -m telemetry.client")
    actions = parser.add_subparsers(dest="action", required=True, metavar="run")
    run = actions.add_parser(
        "run",
        help="run a command and report it as a run",
        usage="%(prog)s [options] -- COMMAND [ARGUMENT ...]",
        description=_DESCRIPTION,
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_options(run, environ)
    options, unknown = parser.parse_known_args(given[:dashes])
    if unknown:
        run.error(f"unknown: {' '.join(unknown)}; a command follows -- and a space")
    if not given[dashes + 1 :]:
        run.error("no command follows --")
    return options, given[dashes + 1 :]


def _add_options(run: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    def default(name: str) -> str | None:
        return environ.get(f"TELEMETRY_{name}") or None

    run.add_argument("--url", default=default("API_URL"), help="the service")
    run.add_argument(
        "--agent-name",
        metavar="NAME",
        default=default("AGENT_NAME"),
        help="by default the name of the program",
    )
    run.add_argument(
        "--job-type",
        metavar="TYPE",
        default=default("JOB_TYPE") or "command",
        help="by default: command",
    )
    run.add_argument(
        "--trigger-type",
        metavar="TYPE",
        default=default("TRIGGER_TYPE") or ("cli" if _has_terminal() else "scheduler"),
        help="by default cli on a terminal, else scheduler",
    )
    run.add_argument(
        "--field",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_field,
        help="a field of the run, for example product=slides; may be repeated",
    )
    run.add_argument(
        "--tail-bytes",
        metavar="N",
        type=int,
        default=_TAIL_BYTES,
        help="how much of the output the run shows (default: %(default)s)",
    )
    run.add_argument(
        "--no-output",
        action="store_true",
        help="leave the output alone: for secrets, and for commands that need a terminal",
    )
    run.add_argument(
        "--flush-seconds",
        metavar="S",
        type=float,
        default=_FLUSH_SECONDS,
        help="how long the report may take at the end (default: %(default)s)",
    )


def _field(value: str) -> tuple[str, str]:
    name, equals, text = value.partition("=")
    if not name or not equals or name in ("job_type", "trigger_type", "agent_name"):
        raise argparse.ArgumentTypeError(f"{value!r} is not a field as NAME=VALUE")
    return name, text


def _has_terminal() -> bool:
    with suppress(OSError):
        return os.isatty(0)
    return False
