"""The statement files: ``sql/<room>/<name>.sql``, one statement in each."""

from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "sql"


@cache
def load(name: str) -> bytes:
    """Return the statement ``room/name`` as it is sent.

    The comments are left out, and the name is put in front, so that ``pg_stat_activity`` and
    ``pg_stat_statements`` show which file a statement is from. Raises FileNotFoundError, at
    import, when the file does not exist.
    """
    lines = (ROOT / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    statement = "\n".join(line for line in lines if line and not line.lstrip().startswith("--"))
    return f"/* {name} */ {statement}".encode()
