"""``python -m telemetry grants``."""

import click

from telemetry.cli.examples import examples
from telemetry.config import Config
from telemetry.database import statements
from telemetry.database.connection import connect
from telemetry.database.urls import as_owner
from telemetry.persistence import resolve
from telemetry.url_parts import redact_url

SERVING = statements.ROOT / "roles/serve.sql"
RETENTION = statements.ROOT / "roles/retention.sql"

# The variable of psql that stands for the role in both files.
ROLE = ':"role"'

END = "COMMIT;"

# PostgreSQL cuts off a longer name, which may then be that of another role.
MAX_NAME_BYTES = 63

# GRANT takes these for something else than a role, even in quotes.
NOT_A_ROLE = ("public", "none")


@click.command(
    epilog=examples(
        'python -m telemetry grants --role telemetry_web | psql -v ON_ERROR_STOP=1 "$OWNER_URL"',
        "python -m telemetry grants --role telemetry_web --apply",
    )
)
@click.option("--role", required=True, metavar="NAME", help="The role that serves; it must exist.")
@click.option("--retention", is_flag=True, help="Also let it prune runs and runtime events.")
@click.option(
    "--apply", "applied", is_flag=True, help="Run the SQL in every configured database instead."
)
@click.pass_obj
def grants(config: Config, role: str, retention: bool, applied: bool) -> None:
    """Print the SQL that gives the role NAME the rights to serve, and revokes all others.

    Run the SQL as the owner of the tables, in each database of the service, after migrate. It can
    be run again at any time. Run it after each release that adds tables.
    """
    text = script(role, retention=retention)
    if not applied:
        click.echo(text, nl=False)
        return
    urls = resolve(as_owner(config)).database_urls
    if not urls:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    for url in urls:
        with connect(url) as connection:
            connection.execute(text.encode())
        click.echo(f"database {redact_url(url)}: {role} has the rights to serve, and no others")


def script(role: str, *, retention: bool = False) -> str:
    """Return the SQL for a role, as one transaction. Raises ClickException for an unfit name."""
    text = SERVING.read_text(encoding="utf-8")
    if retention:
        start, end, rest = text.rpartition(END)
        text = f"{start}{RETENTION.read_text(encoding='utf-8')}\n{end}{rest}"
    return text.replace(ROLE, quoted(role))


def quoted(role: str) -> str:
    """Return the name of a role as an identifier of SQL. Raises ClickException for an unfit one."""
    try:
        length = len(role.encode())
    except UnicodeEncodeError:
        raise click.ClickException("--role: the name is not UTF-8") from None
    if not 0 < length <= MAX_NAME_BYTES or "\0" in role:
        raise click.ClickException(f"--role: a name has 1 to {MAX_NAME_BYTES} bytes and no NUL")
    if role in NOT_A_ROLE or role.startswith("pg_"):
        raise click.ClickException(f"--role: {role} is a name that PostgreSQL keeps for itself")
    return '"' + role.replace('"', '""') + '"'
