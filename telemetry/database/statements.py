"""The hand-written statements: ``sql/<room>/<name>.sql``, one statement a file."""

from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "sql"


@cache
def load(name: str) -> bytes:
    """Return the statement ``room/name`` as the driver sends it.

    The header comment stays behind; its place takes the statement's name, so that
    ``pg_stat_activity`` and ``pg_stat_statements`` lead back to the file.
    Raises FileNotFoundError, at import, for a name without a file.
    """
    lines = (ROOT / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    statement = "\n".join(line for line in lines if line and not line.lstrip().startswith("--"))
    return f"/* {name} */ {statement}".encode()
