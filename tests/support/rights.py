"""The rights that the role of a web process needs."""

from typing import Any

import psycopg

from telemetry.database import statements


def needed_rights() -> list[tuple[str, str]]:
    """Return the rights on tables and sequences that readiness asks for: name and privilege."""
    text = (statements.ROOT / "health/missing_rights.sql").read_text()
    rows = [line.split("'") for line in text.splitlines() if line.strip().startswith("('")]
    return [(row[3], row[5]) for row in rows if len(row) == 7]


def grant(db: psycopg.Connection[Any], role: str) -> None:
    """Grant the role the rights that readiness asks for, and no others."""
    db.execute(f"GRANT USAGE ON SCHEMA os_core, audit TO {role}")
    db.execute(f"GRANT SELECT ON _yoyo_migration TO {role}")
    for name, privilege in needed_rights():
        kind = "SEQUENCE" if name.endswith("_seq") else "TABLE"
        db.execute(f"GRANT {privilege} ON {kind} {name} TO {role}")
