"""``python -m telemetry heads``."""

from collections.abc import Iterator
from pathlib import Path

import click

from telemetry.audio_runtime.heads_file import append_heads, pages_of_heads
from telemetry.audio_runtime.kept_heads import BadHeads
from telemetry.cli.examples import examples
from telemetry.cli.urls import audio_runtime_url
from telemetry.config import Config
from telemetry.database.database import Row
from telemetry.database.unlimited import (
    connect_without_time_limit,
    transaction_without_time_limit,
)


@click.command(epilog=examples("python -m telemetry heads --append heads.jsonl"))
@click.option(
    "--append",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help="The file of kept heads; it is created when it is missing.",
)
@click.option("--tenant", metavar="ID", help="Only this tenant's devices.")
@click.pass_obj
def heads(config: Config, file: Path, tenant: str | None) -> None:
    """Append the current heads of the audio ledger's chains to FILE.

    They are appended completely or not at all. Keep FILE where the database's administrators
    cannot change it; `verify --heads FILE` then shows whether the ledger was rewritten.
    """
    with connect_without_time_limit(audio_runtime_url(config)) as connection:

        def fetch(statement: bytes, parameters: dict[str, object]) -> list[Row]:
            with transaction_without_time_limit(connection):
                return connection.execute(statement, parameters, prepare=False).fetchall()

        try:
            count = append_heads(file, _with_progress(pages_of_heads(fetch, tenant)))
        except BadHeads as error:
            raise click.ClickException(f"{error}; nothing was appended") from error
        except OSError as error:
            raise click.ClickException(
                f"{file}: {error.strerror or error}; nothing was appended"
            ) from error
    if tenant and not count:
        raise click.ClickException(f"tenant {tenant} has no events; nothing was appended")
    click.echo(f"{count:,} heads appended to {file}")


def _with_progress(pages: Iterator[list[Row]]) -> Iterator[list[Row]]:
    count = 0
    for page in pages:
        yield page
        count += len(page)
        click.echo(f"{count:,} heads read", err=True)
