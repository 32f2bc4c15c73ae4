"""``python -m telemetry verify``."""

import sys
from contextlib import suppress
from pathlib import Path

import click
import psycopg

from telemetry.audio_runtime.devices import Scope
from telemetry.audio_runtime.kept_heads import BadHeads, Heads, read_heads
from telemetry.audio_runtime.verify import NothingToVerify
from telemetry.audio_runtime.verify import verify as audio_runtime_verify
from telemetry.cli.connections import audio_runtime_url, connect_without_time_limit
from telemetry.cli.failures import CannotVerify
from telemetry.config import Config


@click.command()
@click.option("--tenant", metavar="ID", help="Only this tenant's devices.")
@click.option("--device", metavar="ID", help="Only this device.")
@click.option(
    "--heads",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare with heads kept earlier, as GET /api/v1/audio-runtime/heads answers them.",
)
@click.option(
    "--since",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check only what came after these heads; they were verified when they were kept.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 16), default=2, show_default=True, help="Checks at a time."
)
@click.pass_obj
def verify(  # noqa: PLR0913 - an argument an option
    config: Config,
    *,
    tenant: str | None,
    device: str | None,
    heads: Path | None,
    since: Path | None,
    jobs: int,
) -> None:
    """Check the audio ledger, its audit rows and its projection.

    Prints a line for each finding and then exits with status 1; status 2 when it could not check.
    """
    scope = Scope(tenant, device)
    count = 0
    try:
        url = audio_runtime_url(config)
        for finding in audio_runtime_verify(
            lambda: connect_without_time_limit(url),
            scope,
            kept=_read(heads, scope),
            since=_read(since, scope),
            jobs=jobs,
            say=_say,
        ):
            click.echo(str(finding))
            count += 1
    except KeyboardInterrupt:
        raise CannotVerify("interrupted") from None
    except (BadHeads, NothingToVerify, psycopg.Error, click.ClickException, OSError) as error:
        raise CannotVerify(" ".join(str(error).split())) from error
    _say(f"{count} finding(s)" if count else "nothing is wrong")
    sys.exit(1 if count else 0)


def _say(message: str) -> None:
    """Tell how it goes, where somebody can be told: the exit status does not depend on it."""
    with suppress(OSError):
        click.echo(message, err=True)


def _read(path: Path | None, scope: Scope) -> Heads:
    heads = read_heads(path) if path else {}
    if path and not any(scope.includes(*name) for name in heads):
        raise BadHeads(f"{path}: holds no head of a {scope}")
    return heads
