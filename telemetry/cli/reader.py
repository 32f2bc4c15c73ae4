"""``python -m telemetry reader``."""

import click

from telemetry.cli.examples import examples
from telemetry.database import statements

GRANT = statements.ROOT / "grants_reader.sql"
UNDO = statements.ROOT / "grants_reader_undo.sql"

# PostgreSQL cuts off a longer name, which may then be that of another one.
MAX_NAME_BYTES = 63

POLICY = "telemetry_reader_"


@click.command(
    epilog=examples(
        'python -m telemetry reader --role analyst | psql -v ON_ERROR_STOP=1 "$OWNER_URL"'
    )
)
@click.option("--role", required=True, metavar="NAME", help="The role that reads; it must exist.")
@click.option("--undo", is_flag=True, help="Print the SQL that takes it back.")
def reader(role: str, undo: bool) -> None:
    """Print the SQL that lets the role NAME read the ledger, one tenant at a time.

    Run the SQL as the owner of the tables, after migrate. It can be repeated. The reader then says
    SET telemetry.tenant = '...' before it reads; without that it sees no row.
    """
    click.echo(script(role, undo=undo), nl=False)


def script(role: str, *, undo: bool = False) -> str:
    """Return the SQL for a role, as one transaction. Raises ClickException for an unfit name."""
    text = (UNDO if undo else GRANT).read_text(encoding="utf-8")
    names = {':"role"': role, ':"policy"': POLICY + role}
    for variable, name in names.items():
        text = text.replace(variable, _quoted(name))
    return text


def _quoted(name: str) -> str:
    most = MAX_NAME_BYTES - len(POLICY)
    unfit = not name.isprintable() or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES
    if unfit or name in ("", "public", "none") or name.startswith("pg_"):
        raise click.ClickException(f"--role: takes the name of a role, of at most {most} bytes")
    return '"' + name.replace('"', '""') + '"'
