"""The hand-written statements: ``sql/<room>/<name>.sql``, one statement a file."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "sql"


@cache
def load(name: str) -> bytes:
    """Return the statement ``room/name`` as the driver sends it.

    The statement's name replaces the header comment, so that ``pg_stat_activity`` and
    ``pg_stat_statements`` lead back to the file. It follows the first word, because the latter
    cuts off what precedes a statement.
    Raises FileNotFoundError, at import, for a name without a file.
    """
    lines = (ROOT / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    statement = "\n".join(line for line in lines if line and not line.lstrip().startswith("--"))
    first, rest = re.split(r"(?<=\w)(?=\W)", statement, maxsplit=1)
    return f"{first} /* {name} */{rest}".encode()
