"""``python -m telemetry token create|list|revoke``."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import msgspec
from psycopg import errors

from telemetry.cli.examples import Group, examples
from telemetry.cli.urls import name_database
from telemetry.config import Config
from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.errors import cause_of
from telemetry.database.unlimited import connect_without_time_limit
from telemetry.database.urls import as_owner
from telemetry.http.caller import ADMIN, SCOPES
from telemetry.persistence import resolve
from telemetry.spans import parse_span
from telemetry.timestamps import parse_query_time, utc_text
from telemetry.tokens.memory import MAX_AGE
from telemetry.tokens.secret import hash_of, new_token

CREATE = statements.load("tokens/create")
LIST = statements.load("tokens/list")
REVOKE = statements.load("tokens/revoke")

# Every process keeps the valid ones in memory and reads them again every second.
MOST_VALID = 1000

MOST_LISTED = 1000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_TENANT = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_LONGEST = timedelta(days=9999)

CREATE_EXAMPLE = "python -m telemetry token create ci --scope runs:write --expires 90d"


@click.group(cls=Group, epilog=examples(CREATE_EXAMPLE, "python -m telemetry token revoke ci"))
def token() -> None:
    """Create, list and revoke tokens of the API.

    To rotate a token: create one under a new name, give it to the clients, then revoke the old
    one. Until then both are valid.
    """


@token.command(epilog=examples(CREATE_EXAMPLE))
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help=f"{', '.join(SCOPES)} or {ADMIN}."
)
@click.option("--tenant", "tenants", multiple=True, metavar="ID", help="Bind it to this tenant.")
@click.option("--agent", "agents", multiple=True, metavar="NAME", help="Bind it to this agent.")
@click.option("--expires", metavar="90d|12h|DATE", help="When it stops working. Default: never.")
@click.pass_obj
def create(  # noqa: PLR0913 - one argument per option
    config: Config,
    *,
    name: str,
    scopes: tuple[str, ...],
    tenants: tuple[str, ...],
    agents: tuple[str, ...],
    expires: str | None,
) -> None:
    """Create a token and print it. It is not stored, so it cannot be shown again.

    --scope, --tenant and --agent may be given several times. --scope also takes a list, as that of
    token list: runs:read,runs:write.
    """
    scopes = tuple(it for given in scopes for it in given.split(","))
    if not _NAME.fullmatch(name):
        raise click.UsageError("NAME: 1 to 64 letters, digits and ._-, a letter or digit first")
    _check_scopes(scopes)
    _check_bindings(scopes, tenants, agents)
    text = new_token()
    parameters = {
        "name": name,
        "hash": hash_of(text.encode()),
        "scopes": [*dict.fromkeys(scopes)],
        "tenants": [*dict.fromkeys(tenants)] or None,
        "agents": [*dict.fromkeys(agents)] or None,
        "expires_at": _expiry(expires),
        "most": MOST_VALID,
    }
    with _connect(config) as connection, _rights_explained():
        try:
            row = connection.execute(CREATE, parameters).fetchone()
        except errors.UniqueViolation:
            message = f"there is a token named {name} already; a name is never used again"
            raise click.ClickException(message) from None
    if row is None:
        message = f"{MOST_VALID:,} tokens are valid, and there may be no more: revoke some"
        raise click.ClickException(message)
    click.echo(text)
    click.echo(f"Token {name} is valid. It is not shown again.", err=True)


@token.command("list", epilog=examples("python -m telemetry token list"))
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@click.pass_obj
def list_tokens(config: Config, *, as_json: bool) -> None:
    """List the tokens: the valid ones first, then the newest of the others."""
    with _connect(config) as connection:
        rows = connection.execute(LIST, {"row_limit": MOST_LISTED + 1}).fetchall()
    for row in rows[:MOST_LISTED]:
        click.echo(msgspec.json.encode(row) if as_json else _line(row))
    if len(rows) > MOST_LISTED:
        click.echo(f"only the first {MOST_LISTED:,} are listed", err=True)
    elif not rows:
        click.echo("no token", err=True)


@token.command(epilog=examples("python -m telemetry token revoke ci"))
@click.argument("name")
@click.pass_obj
def revoke(config: Config, *, name: str) -> None:
    """Revoke a token. Every process refuses it within 2 seconds."""
    with _connect(config) as connection, _rights_explained():
        row = connection.execute(REVOKE, {"name": name}).fetchone()
    if row is None:
        raise click.ClickException(f"there is no token named {name}")
    if row["newly"]:
        click.echo(f"Token {name} is revoked: every process refuses it within {MAX_AGE:.0f} s")
    else:
        click.echo(f"Token {name} was revoked at {row['revoked_at']}")


def _connect(config: Config) -> Connection:
    url = resolve(as_owner(config)).agent_runs.url
    if url is None:
        raise click.ClickException(
            "tokens are kept in PostgreSQL, and none is configured: set DATABASE_URL. Without it,"
            " TELEMETRY_API_AUTH_TOKEN is the only token"
        )
    name_database(url)
    return connect_without_time_limit(url)


@contextmanager
def _rights_explained() -> Iterator[None]:
    """Say who may write tokens, where the role of the connection may not."""
    try:
        yield
    except errors.InsufficientPrivilege as error:
        message = (
            "run it as the owner of the tables, whose URL TELEMETRY_OWNER_DATABASE_URL may have"
        )
        raise click.ClickException(f"{cause_of(error)}; {message}") from error


def _check_scopes(scopes: tuple[str, ...]) -> None:
    allowed = (*SCOPES, ADMIN)
    if not scopes:
        raise click.UsageError(f"--scope: at least one of {', '.join(allowed)}")
    for scope in scopes:
        if scope not in allowed:
            raise click.UsageError(f"--scope: got {scope!r}, takes {', '.join(allowed)}")


def _check_bindings(
    scopes: tuple[str, ...], tenants: tuple[str, ...], agents: tuple[str, ...]
) -> None:
    if ADMIN in scopes and (tenants or agents):
        raise click.UsageError("--scope admin: a token that may do everything cannot be bound")
    if tenants and not any(scope.startswith("audio:") for scope in scopes):
        raise click.UsageError("--tenant limits the scopes audio:* only; add one of them")
    if agents and not any(scope.startswith("runs:") for scope in scopes):
        raise click.UsageError("--agent limits the scopes runs:* only; add one of them")
    for tenant in tenants:
        if not _TENANT.fullmatch(tenant):
            raise click.UsageError("--tenant: 1 to 64 characters of A-Za-z0-9._:-")
    for agent in agents:
        if not (agent.strip() and len(agent) <= 255 and agent.isprintable()):
            raise click.UsageError("--agent: 1 to 255 printable characters, not blank")


def _expiry(expires: str | None) -> datetime | None:
    """Return the time. Raises UsageError for one that has passed, or that cannot be read."""
    if expires is None:
        return None
    now = datetime.now(UTC)
    try:
        span = parse_span(expires)
        found = now + min(span, _LONGEST) if span else parse_query_time(expires)
    except ValueError:
        takes = "a time such as 90d or 12h, or a date such as 2030-01-31 (its beginning in UTC)"
        raise click.UsageError(f"--expires: got {expires!r}, takes {takes}") from None
    if found <= now:
        raise click.UsageError(f"--expires: {utc_text(found)} has passed")
    return found


def _line(row: dict[str, Any]) -> str:
    parts = [f"{row['name']}  {row['state']}  scopes={','.join(row['scopes'])}"]
    parts += [f"{it}={','.join(row[it])}" for it in ("tenants", "agents") if row[it]]
    times = ("created_at", "expires_at", "revoked_at", "last_used_at")
    parts += [f"{it.removesuffix('_at')}={row[it]}" for it in times if row[it]]
    return "  ".join(parts)
