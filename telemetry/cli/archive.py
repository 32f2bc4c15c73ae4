"""``python -m telemetry archive``."""

from contextlib import suppress
from functools import partial
from pathlib import Path

import click
import psycopg

from telemetry.audio_runtime.archive import CannotArchive
from telemetry.audio_runtime.archive import archive as write_archive
from telemetry.audio_runtime.devices import Scope
from telemetry.audio_runtime.kept_heads import BadHeads, read_heads
from telemetry.audio_runtime.proof.archive import BadArchive, check_archive, name_of
from telemetry.cli.examples import examples
from telemetry.cli.failures import CannotVerify
from telemetry.cli.urls import audio_runtime_url
from telemetry.config import Config
from telemetry.database.unlimited import connect_without_time_limit


@click.command(
    epilog=examples(
        "python -m telemetry archive --tenant acme --device kitchen-1 kitchen-1.jsonl",
        "python -m telemetry archive --check kitchen-1.jsonl --heads heads.jsonl",
    )
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--tenant", metavar="ID", help="The tenant of the device.")
@click.option("--device", metavar="ID", help="The device whose events are archived.")
@click.option(
    "--up-to", type=int, metavar="EVENT_ID", help="The last event; without it the newest one."
)
@click.option("--check", is_flag=True, help="Check FILE instead. It needs no database.")
@click.option(
    "--heads", type=click.Path(path_type=Path), metavar="FILE", help="Also check with kept heads."
)
@click.pass_obj
def archive(  # noqa: PLR0913 - one argument per option
    config: Config,
    *,
    file: Path,
    tenant: str | None,
    device: str | None,
    up_to: int | None,
    check: bool,
    heads: Path | None,
) -> None:
    """Write the ledger's events of a device to FILE, or check such a file.

    Nothing is deleted. FILE is written and checked completely, or not at all. One that exists is
    never replaced. The exit status of --check is 0, or 1 for a bad line, or 2 when it could not
    check.
    """
    if check:
        if tenant or device or up_to is not None:
            raise click.UsageError("--check takes FILE and --heads alone")
        _check(file, heads)
        return
    if tenant is None or device is None or heads is not None:
        raise click.UsageError("give --tenant and --device; --heads goes with --check")
    connect = partial(connect_without_time_limit, audio_runtime_url(config))
    try:
        header = write_archive(connect, Scope(tenant, device), up_to, file, say=_report)
    except CannotArchive as error:
        raise click.ClickException(str(error)) from error
    except BadArchive as error:
        raise click.ClickException(
            f"the ledger is not intact: {error}; run verify; nothing was written"
        ) from error
    except (psycopg.Error, OSError) as error:
        text = " ".join(str(error).split())
        if isinstance(error, OSError):
            text = f"{file}: {error.strerror or text}"
        raise click.ClickException(f"{text}; nothing was written") from error
    click.echo(f"{file}: {header}")


def _check(file: Path, heads: Path | None) -> None:
    try:
        kept = read_heads(heads) if heads else {}
        with file.open(encoding="utf-8", newline="\n") as lines:
            header = check_archive(lines, kept)
    except BadArchive as error:
        raise click.ClickException(f"{file}: {error}") from error
    except (BadHeads, OSError, ValueError) as error:
        raise CannotVerify(" ".join(str(error).split())) from error
    if heads and name_of(header) not in kept:
        raise CannotVerify(f"{heads}: holds no head of the device")
    click.echo(f"nothing is wrong: {header}")


def _report(message: str) -> None:
    with suppress(OSError):
        click.echo(message, err=True)
