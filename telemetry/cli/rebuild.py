"""``python -m telemetry rebuild``."""

import click

from telemetry.audio_runtime import rebuild as audio_runtime
from telemetry.audio_runtime.devices import Scope
from telemetry.config import Config
from telemetry.database import Database, DatabaseUnavailable
from telemetry.persistence import resolve


@click.command()
@click.option("--tenant", metavar="ID", help="Only this tenant's devices.")
@click.option("--device", metavar="ID", help="Only this device.")
@click.pass_obj
def rebuild(config: Config, tenant: str | None, device: str | None) -> None:
    """Rebuild the audio projection from the ledger.

    Writers may go on meanwhile; rows that are right are left as they are.
    """
    url = resolve(config).audio_runtime.url
    if url is None:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    database = Database(url, pool_size=1, prepared_statements=config.db_prepared_statements)
    try:
        rebuilt = audio_runtime.rebuild(
            database, Scope(tenant, device), say=lambda message: click.echo(message, err=True)
        )
    except (DatabaseUnavailable, audio_runtime.LedgerContradiction) as error:
        raise click.ClickException(str(error)) from error
    finally:
        database.close()
    click.echo(
        f"rebuilt {rebuilt.devices} devices in {rebuilt.duration_ms:.0f} ms,"
        f" {rebuilt.differed} differed"
    )
