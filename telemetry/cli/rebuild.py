"""``python -m telemetry rebuild``."""

import click

from telemetry.audio_runtime import rebuild as audio_runtime
from telemetry.audio_runtime.devices import Scope
from telemetry.cli.examples import examples
from telemetry.cli.urls import audio_runtime_url
from telemetry.config import Config
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.unlimited import UnlimitedTransactions, connect_without_time_limit


@click.command(epilog=examples("python -m telemetry rebuild --tenant tenant-1"))
@click.option("--tenant", metavar="ID", help="Only this tenant's devices.")
@click.option("--device", metavar="ID", help="Only this device.")
@click.pass_obj
def rebuild(config: Config, tenant: str | None, device: str | None) -> None:
    """Rebuild the audio projection from the ledger.

    The service can stay up, and correct rows are left alone. A device whose ledger rows
    contradict each other is reported and left out; then the exit status is 1.
    """
    scope = Scope(tenant, device)
    failed: Exception | None = None
    with connect_without_time_limit(audio_runtime_url(config)) as connection:
        try:
            rebuilt = audio_runtime.rebuild(
                UnlimitedTransactions(connection).transact,
                scope,
                say=lambda message: click.echo(message, err=True),
                refuse=lambda finding: click.echo(str(finding), err=True),
            )
        except audio_runtime.LedgerContradiction as error:
            rebuilt, failed = error.rebuilt, error
        except DatabaseUnavailable as error:
            raise click.ClickException(str(error)) from error
    if scope != Scope() and not rebuilt.devices and not failed:
        raise click.ClickException(f"there is no {scope}")
    click.echo(
        f"rebuilt {rebuilt.devices} devices in {rebuilt.duration_ms:.0f} ms,"
        f" {rebuilt.differed} differed"
    )
    if failed:
        raise click.ClickException(str(failed)) from failed
