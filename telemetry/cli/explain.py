"""``python -m telemetry explain``."""

import json
import re
from collections.abc import Mapping
from typing import Any

import click
import psycopg
from psycopg import errors

from telemetry.audio_runtime.check import SET_UP as SET_UP_VERIFY
from telemetry.cli import statement_files
from telemetry.cli.examples import examples
from telemetry.cli.statement_files import NoSuchStatement, StatementFile
from telemetry.cli.urls import require_url
from telemetry.config import Config
from telemetry.database import statements
from telemetry.database.unlimited import (
    connect_without_time_limit,
    transaction_without_time_limit,
)
from telemetry.database.urls import as_owner
from telemetry.persistence import resolve
from telemetry.url_parts import redact_url

# By --analyze and --format.
EXPLAIN = {
    (False, "text"): statements.load("database/explain_text"),
    (False, "json"): statements.load("database/explain_json"),
    (True, "text"): statements.load("database/explain_analyze_text"),
    (True, "json"): statements.load("database/explain_analyze_json"),
}

# The page of a client that names no limit: 100 rows, and one more to see whether others follow.
# Without a limit PostgreSQL would choose another plan than for a page. No plan depends on
# TELEMETRY_STALE_AFTER, so this is its default.
DEFAULTS = {"row_limit": "101", "row_offset": "0", "stale_after": "1h"}

NOT_MIGRATED = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction)


@click.command(
    epilog=examples(
        "python -m telemetry explain runs/list status=failure",
        "python -m telemetry explain runs/find_any 'ids=[\"a\"]' --analyze",
    )
)
@click.argument("name", required=False)
@click.argument("arguments", nargs=-1, metavar="[PARAM=VALUE]...")
@click.option(
    "--analyze",
    is_flag=True,
    help="Run the statement as well, and show times and buffers. The transaction is rolled back,"
    " so no row changes; but sequences advance, and the statement takes its locks.",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the plan.",
)
@click.pass_obj
def explain(
    config: Config, name: str | None, arguments: tuple[str, ...], *, analyze: bool, output: str
) -> None:
    """Print the plan of a statement file with its parameters filled in.

    NAME is room/file, such as runs/list for sql/runs/list.sql. Without NAME, all statement files
    are listed.

    A parameter that is left out is NULL, which means "any" for a filter; row_limit and row_offset
    are those of a first page, stale_after is an hour. Arrays are written as JSON or as {a,b}.

    PostgreSQL plans for these very values, with the settings of the service's sessions
    (enable_seqscan = off, jit = off) but without their time limit. Statements of runtime events
    are explained in the database of the runtime events, all others in that of the runs.
    """
    if name is None:
        _list_statements()
        return
    try:
        statement = statement_files.find(name)
    except NoSuchStatement as error:
        raise click.UsageError(str(error)) from error
    if not statement.has_plan:
        raise click.ClickException(
            f"{statement.name} is a {statement.command} statement, which has no plan"
        )
    values = _values(statement, arguments)
    url = require_url(_url(config, statement))
    plan = _plan(url, EXPLAIN[analyze, output], statement, values)
    click.echo(f"sql/{statement.name}.sql in {redact_url(url)}{_left_out(values)}", err=True)
    for row in plan:
        click.echo(row if output == "text" else json.dumps(row, indent=2, ensure_ascii=False))


def _list_statements() -> None:
    known = [statement_files.read(name) for name in statement_files.names()]
    width = max(len(statement.name) for statement in known)
    for statement in known:
        click.echo(f"{statement.name:{width}}  {statement.summary}")


def _values(statement: StatementFile, arguments: tuple[str, ...]) -> dict[str, Any]:
    """Return a value for each parameter of the statement. Raises click.UsageError."""
    given: dict[str, Any] = {}
    for argument in arguments:
        parameter, equals, text = argument.partition("=")
        if not equals:
            raise click.UsageError(f"{argument!r} is not of the form param=value")
        if parameter not in statement.parameters:
            raise click.UsageError(
                f"{statement.name} has no parameter {parameter!r}; its parameters:"
                f" {statement.described_parameters}"
            )
        if parameter in given:
            raise click.UsageError(f"{parameter} is given twice")
        given[parameter] = _value(statement, parameter, text)
    values = {it: given.get(it, DEFAULTS.get(it)) for it in statement.parameters}
    missing = [
        it for it, value in values.items() if value is None and not statement.is_optional(it)
    ]
    if missing:
        raise click.UsageError(
            f"{statement.name} needs a value for {', '.join(missing)}; its parameters:"
            f" {statement.described_parameters}"
        )
    return values


def _value(statement: StatementFile, parameter: str, text: str) -> str | list[Any]:
    """Return a value for the driver: a list or, for PostgreSQL to find its type, a text."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise click.UsageError(f"{parameter}: not UTF-8") from error
    if not (statement.is_array(parameter) and text.lstrip().startswith("[")):
        return text
    try:
        array = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{parameter}: not a JSON array: {error}") from error
    return [it if it is None or isinstance(it, str) else json.dumps(it) for it in array]


def _url(config: Config, statement: StatementFile) -> str | None:
    persistence = resolve(as_owner(config))
    if statement.room == "runtime_events":
        return persistence.runtime_events.url
    return persistence.agent_runs.url


def _left_out(values: Mapping[str, Any]) -> str:
    """Return what the parameters that were left out are, for the line above the plan."""
    defaults = [f"{it}={value}" for it, value in DEFAULTS.items() if values.get(it) == value]
    nulls = [it for it, value in values.items() if value is None]
    return "; ".join(["", *defaults, *(["NULL: " + ", ".join(nulls)] if nulls else [])])


def _plan(
    url: str, explain_file: bytes, statement: StatementFile, values: Mapping[str, Any]
) -> list[Any]:
    """Return the rows of the plan. What the statement does is rolled back.

    Raises ClickException for an error of the statement, psycopg.Error without a server.
    """
    # The last line of the explain file stands for the statement. The values stay parameters.
    query = b"%b\n%b" % (explain_file.rpartition(b"\n")[0], statement.text.encode())
    with connect_without_time_limit(url) as connection:
        try:
            with transaction_without_time_limit(connection, roll_back=True):
                if statement.name.startswith(("audio_runtime/proof_", "audio_runtime/verify_")):
                    connection.execute(SET_UP_VERIFY)
                rows = connection.execute(query, values, prepare=False).fetchall()
        except psycopg.Error as error:
            if error.sqlstate is None:
                raise
            raise click.ClickException(_problem(error, statement)) from error
    return [row["QUERY PLAN"] for row in rows]


def _problem(error: psycopg.Error, statement: StatementFile) -> str:
    """Return PostgreSQL's message as one line, with the name of the parameter it is about."""
    message = error.diag.message_primary or str(error)
    if isinstance(error, psycopg.DataError) and error.diag.message_detail:
        message = f"{message}: {error.diag.message_detail}"
    if isinstance(error, NOT_MIGRATED):
        message = f"{message}; python -m telemetry migrate brings the schema up to date"
    number = re.search(r"parameter \$(\d+)", f"{message} {error.diag.context}")
    parameter = f"{statement.parameters[int(number[1]) - 1]}: " if number else ""
    return " ".join(f"{statement.name}: {parameter}{message}".split())
