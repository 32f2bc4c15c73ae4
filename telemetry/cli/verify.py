"""``python -m telemetry verify``."""

import sys
from pathlib import Path

import click

from telemetry.audio_runtime.devices import Scope
from telemetry.audio_runtime.kept_heads import BadHeads, Heads, read_heads
from telemetry.audio_runtime.verify import verify as audio_runtime_verify
from telemetry.config import Config
from telemetry.database import connect
from telemetry.persistence import resolve

# The check of a page of devices may take long; that the server is gone shows before.
ANSWER_SECONDS = 24 * 3600.0


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
@click.pass_obj
def verify(
    config: Config,
    tenant: str | None,
    device: str | None,
    heads: Path | None,
    since: Path | None,
) -> None:
    """Check the audio ledger, its audit rows and its projection.

    Prints a line for each finding and then exits with status 1.
    """
    url = resolve(config).audio_runtime.url
    if url is None:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    kept, after = _read(heads), _read(since)
    count = 0
    with connect(url) as connection:
        connection.answer_seconds = ANSWER_SECONDS
        for finding in audio_runtime_verify(
            connection,
            Scope(tenant, device),
            kept=kept,
            since=after,
            say=lambda message: click.echo(message, err=True),
        ):
            click.echo(str(finding))
            count += 1
    click.echo(f"{count} finding(s)" if count else "nothing is wrong", err=True)
    sys.exit(1 if count else 0)


def _read(path: Path | None) -> Heads:
    try:
        return read_heads(path) if path else {}
    except BadHeads as error:
        raise click.ClickException(str(error)) from error
