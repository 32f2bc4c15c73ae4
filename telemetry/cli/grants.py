"""``python -m telemetry grants``."""

from contextlib import suppress

import click
from psycopg import errors

from telemetry.cli.examples import examples
from telemetry.config import Config
from telemetry.database import statements
from telemetry.database.connection import Connection, connect
from telemetry.database.urls import as_owner
from telemetry.persistence import resolve
from telemetry.url_parts import redact_url

SERVING = statements.ROOT / "roles/serve.sql"
RETENTION = statements.ROOT / "roles/retention.sql"
ANALYST = statements.ROOT / "roles/analyst.sql"

RETENTION_RIGHTS = statements.load("retention/rights")

# The variable of psql that stands for the role in each file.
ROLE = ':"role"'

END = "COMMIT;"

LOST = (
    "warning: it could prune runs and runtime events, and may no longer. Where a retention is set,"
    " run this again with --retention"
)

# PostgreSQL cuts off a longer name, which may then be that of another role.
MAX_NAME_BYTES = 63

# GRANT takes these for something else than a role, even in quotes.
NOT_A_ROLE = ("public", "none")


@click.command(
    epilog=examples(
        'python -m telemetry grants --role telemetry_web | psql -v ON_ERROR_STOP=1 "$OWNER_URL"',
        "python -m telemetry grants --role telemetry_web --apply",
        "python -m telemetry grants --analyst analyst --apply",
    )
)
@click.option("--role", metavar="NAME", help="The role that serves; it must exist.")
@click.option("--retention", is_flag=True, help="Also let it prune runs and runtime events.")
@click.option("--analyst", metavar="NAME", help="A role that reads the views; it must exist.")
@click.option(
    "--apply", "applied", is_flag=True, help="Run the SQL in every configured database instead."
)
@click.pass_obj
def grants(
    config: Config, *, role: str | None, retention: bool, analyst: str | None, applied: bool
) -> None:
    """Print the SQL that gives the role NAME the rights to serve, and revokes all others.

    With --analyst, it gives the rights to read the views for analysts, and sets limits on what
    the role may take.

    Run the SQL as the owner of the tables, in each database of the service, after migrate. It can
    be run again at any time. Run it after each release that adds tables.
    """
    if (role is None) == (analyst is None) or (analyst and retention):
        raise click.UsageError("give --role, with --retention or without, or --analyst")
    if role is not None:
        text = script(role, retention=retention)
        done = f"{role} has the rights to serve, and no others"
    else:
        text = analyst_script(analyst or "")
        done = f"{analyst} may read the views for analysts"
    if not applied:
        click.echo(text, nl=False)
        return
    urls = resolve(as_owner(config)).database_urls
    if not urls:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    for url in urls:
        with connect(url) as connection:
            could_prune = role is not None and _may_prune(connection, role)
            connection.execute(text.encode())
            loses = could_prune and not _may_prune(connection, str(role))
        click.echo(f"database {redact_url(url)}: {done}")
        if loses:
            click.echo(LOST, err=True)


def _may_prune(connection: Connection, role: str) -> bool:
    """Return whether it has a right of retention. A role that does not exist has none."""
    with suppress(errors.UndefinedObject):
        return any(row["granted"] for row in connection.execute(RETENTION_RIGHTS, {"role": role}))
    return False


def script(role: str, *, retention: bool = False) -> str:
    """Return the SQL for a role, as one transaction. Raises ClickException for an unfit name."""
    text = SERVING.read_text(encoding="utf-8")
    if retention:
        start, end, rest = text.rpartition(END)
        text = f"{start}{RETENTION.read_text(encoding='utf-8')}\n{end}{rest}"
    return text.replace(ROLE, quoted(role))


def analyst_script(role: str) -> str:
    """Return the SQL for an analyst's role. Raises ClickException for an unfit name."""
    return ANALYST.read_text(encoding="utf-8").replace(ROLE, quoted(role, "--analyst"))


def quoted(role: str, option: str = "--role", most: int = MAX_NAME_BYTES) -> str:
    """Return the name of a role as an identifier of SQL, of at most so many bytes.

    Raises ClickException for an unfit one.
    """
    try:
        length = len(role.encode())
    except UnicodeEncodeError:
        raise click.ClickException(f"{option}: the name is not UTF-8") from None
    if not 0 < length <= most or "\0" in role:
        raise click.ClickException(f"{option}: a name has 1 to {most} bytes and no NUL")
    if role in NOT_A_ROLE or role.startswith("pg_"):
        raise click.ClickException(f"{option}: {role} is a name that PostgreSQL keeps for itself")
    return '"' + role.replace('"', '""') + '"'
