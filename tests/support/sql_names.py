"""The words of the SQL, as names for columns that a DBA may add to a table."""

import re
from collections.abc import Iterator
from pathlib import Path

from telemetry.database import statements
from telemetry.migrations.files import DIRECTORY

_COMMENTS_STRINGS_PARAMETERS = re.compile(r"--[^\n]*|/\*.*?\*/|'[^']*'|%\(\w+\)s", re.DOTALL)
# Keywords are in upper case, so this leaves names: aliases, variables, parameters, columns, types.
_NAME = re.compile(r"\b[a-z_][a-z0-9_]*\b")
# Each table has these already.
_SYSTEM_COLUMNS = {"tableoid", "cmin", "cmax", "xmin", "xmax", "ctid"}


def sql_names() -> list[str]:
    """Return every name in the statement files and the migrations, sorted.

    Among them are all aliases, CTE names, parameters of functions and variables of plpgsql.
    """
    found: set[str] = set()
    for file in _files():
        text = _COMMENTS_STRINGS_PARAMETERS.sub(" ", file.read_text(encoding="utf-8"))
        found.update(_NAME.findall(text))
    return sorted(found - _SYSTEM_COLUMNS)


def _files() -> Iterator[Path]:
    yield from statements.ROOT.glob("*/**/*.sql")
    for file in DIRECTORY.glob("*.sql"):
        if not file.name.endswith(".rollback.sql"):
            yield file
