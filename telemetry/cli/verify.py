"""``python -m telemetry verify``."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path

import click
import psycopg

from telemetry.audio_runtime.checkers import CheckerLost, Connect
from telemetry.audio_runtime.devices import Scope
from telemetry.audio_runtime.export import export
from telemetry.audio_runtime.kept_heads import BadHeads, Heads, read_heads
from telemetry.audio_runtime.verifications import record_verification
from telemetry.audio_runtime.verify import NothingToVerify
from telemetry.audio_runtime.verify import verify as audio_runtime_verify
from telemetry.cli.examples import examples
from telemetry.cli.failures import CannotVerify
from telemetry.cli.urls import audio_runtime_url
from telemetry.config import Config
from telemetry.database.unlimited import connect_without_time_limit
from telemetry.health.definitions import Difference, differences, hashes_of
from telemetry.health.workers import check_workers

CANNOT_VERIFY = (
    BadHeads,
    CheckerLost,
    NothingToVerify,
    psycopg.Error,
    click.ClickException,
    OSError,
    ValueError,
)


@click.command(epilog=examples("python -m telemetry verify --tenant tenant-1 --heads heads.json"))
@click.option("--tenant", metavar="ID", help="Only this tenant's devices.")
@click.option("--device", metavar="ID", help="Only this device.")
@click.option(
    "--heads",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also compare with kept heads: responses of GET /api/v1/audio-runtime/heads in a file.",
)
@click.option(
    "--since",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check only the events after these kept heads, which were verified when they were stored.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 16),
    default=2,
    show_default=True,
    help="How many checks run at once.",
)
@click.option(
    "--fast",
    is_flag=True,
    help="Let the functions stored in the database compute the hashes, and trust them.",
)
@click.option(
    "--export",
    "export_to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write what the check reads to FILE instead, to check it without the database.",
)
@click.pass_obj
def verify(  # noqa: PLR0913 - one argument per option
    config: Config,
    *,
    tenant: str | None,
    device: str | None,
    heads: Path | None,
    since: Path | None,
    jobs: int,
    fast: bool,
    export_to: Path | None,
) -> None:
    """Check the audio ledger, its audit rows, its projection, and the rules in its schema.

    Prints one line per finding. The exit status is 0 without findings, 1 with findings, and 2
    when the check could not be done.
    """
    if export_to is not None and (heads or since or fast):
        raise click.UsageError("--export checks nothing: leave out --heads, --since and --fast")
    scope = Scope(tenant, device)
    count = 0
    try:
        kept, after = _read_heads(heads, scope), _read_heads(since, scope)
        connect = partial(connect_without_time_limit, audio_runtime_url(config))
        if export_to is not None:
            export(connect, scope, export_to, say=_report)
            return
        rows = audio_runtime_verify(
            connect, scope, kept=kept, since=after, jobs=jobs, fast=fast, say=_report
        )
        for line in chain(_altered(connect), map(str, rows)):
            click.echo(line)
            count += 1
        if scope == Scope():
            _record(connect, count)
    except KeyboardInterrupt:
        raise CannotVerify("interrupted") from None
    except CANNOT_VERIFY as error:
        raise CannotVerify(" ".join(str(error).split())) from error
    _report(f"{count} finding(s)" if count else "nothing is wrong")
    sys.exit(1 if count else 0)


def _altered(connect: Connect) -> Iterator[str]:
    """Yield a line for each definition that is not this release's."""
    with connect() as connection:
        found = differences(hashes_of(connection))
        unguarded = check_workers(connection).unguarded
    for difference in (*found, *(Difference("trigger", name, "differs") for name in unguarded)):
        yield difference.finding


def _record(connect: Connect, findings: int) -> None:
    """Record the verify. It counts as well where nothing can be written, as on a standby."""
    try:
        with connect() as connection:
            record_verification(connection, findings)
    except psycopg.Error as error:
        _report(f"not recorded: {' '.join(str(error).split())}")


def _report(message: str) -> None:
    """Print progress to standard error. A closed one must not change the exit status."""
    with suppress(OSError):
        click.echo(message, err=True)


def _read_heads(path: Path | None, scope: Scope) -> Heads:
    heads = read_heads(path) if path else {}
    if path and not any(scope.includes(*name) for name in heads):
        raise BadHeads(f"{path}: holds no head of a {scope}")
    return heads
