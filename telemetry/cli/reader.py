"""``python -m telemetry reader``."""

import click

from telemetry.cli.examples import examples
from telemetry.cli.grants import MAX_NAME_BYTES, quoted
from telemetry.database import statements

GRANT = statements.ROOT / "roles/reader.sql"
UNDO = statements.ROOT / "roles/reader_undo.sql"

POLICY = "telemetry_reader_"


@click.command(
    epilog=examples(
        'python -m telemetry reader --role tenant_reader | psql -v ON_ERROR_STOP=1 "$OWNER_URL"'
    )
)
@click.option("--role", required=True, metavar="NAME", help="The role that reads; it must exist.")
@click.option("--undo", is_flag=True, help="Print the SQL that takes it back.")
def reader(role: str, undo: bool) -> None:
    """Print the SQL that lets the role NAME read the ledger, one tenant at a time.

    Run the SQL as the owner of the tables, after migrate. It can be repeated. The reader then says
    SET telemetry.tenant = '...' before it reads; without that it sees no row. So NAME is a role of
    its own: not the one that serves, and not that of an analyst.
    """
    click.echo(script(role, undo=undo), nl=False)


def script(role: str, *, undo: bool = False) -> str:
    """Return the SQL for a role, as one transaction. Raises ClickException for an unfit name."""
    text = (UNDO if undo else GRANT).read_text(encoding="utf-8")
    # The name of the policy has that of the role in it.
    role_name, policy = quoted(role, most=MAX_NAME_BYTES - len(POLICY)), quoted(POLICY + role)
    return text.replace(':"role"', role_name).replace(':"policy"', policy)
