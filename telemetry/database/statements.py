"""The statement files: ``sql/<room>/<name>.sql``, one statement in each."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "sql"


@cache
def load(name: str) -> bytes:
    """Return the text to send for the statement ``room/name``.

    The comments are left out. The name follows the first word, so that ``pg_stat_activity`` and
    ``pg_stat_statements`` show which file a statement is from: the latter leaves out what precedes
    the first word. Raises FileNotFoundError, at import, when the file does not exist.
    """
    lines = (ROOT / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    statement = "\n".join(line for line in lines if line and not line.lstrip().startswith("--"))
    first, rest = re.split(r"(?<=\w)(?=\W)", statement, maxsplit=1)
    return f"{first} /* {name} */{rest}".encode()
