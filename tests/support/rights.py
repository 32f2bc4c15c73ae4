"""The role that the service has in tests, and the rights that it needs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from telemetry.cli.grants import RETENTION, ROLE, SERVING, script
from telemetry.database import statements

# The role of every service that a test starts. Tests themselves connect as the owner.
SERVING_ROLE = "telemetry_web"


def serving(url: str) -> str:
    """Return the owner's URL with the role that serves in place of the owner."""
    url = url.replace("://postgres:@", f"://{SERVING_ROLE}:@")
    return re.sub(r"\buser=postgres\b", f"user={SERVING_ROLE}", url)


def create_serving_role(url: str) -> None:
    """Create the role that serves, with its rights in the migrated database at the URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {SERVING_ROLE} LOGIN")
        grant(connection, SERVING_ROLE)


def grant(db: psycopg.Connection[Any], role: str, *, retention: bool = False) -> None:
    """Run what ``python -m telemetry grants`` prints for the role."""
    db.execute(script(role, retention=retention))


def needed_rights() -> list[tuple[str, str]]:
    """Return the rights on tables and sequences that readiness asks for: name and privilege."""
    text = (statements.ROOT / "health/missing_rights.sql").read_text()
    rows = [line.split("'") for line in text.splitlines() if line.strip().startswith("('")]
    return [(row[3], row[5]) for row in rows if len(row) == 7]


@contextmanager
def retention_granted(db: psycopg.Connection[Any]) -> Iterator[None]:
    """Let the role that serves prune inside the block."""
    text = RETENTION.read_text().replace(ROLE, SERVING_ROLE)
    db.execute(text)
    try:
        yield
    finally:
        db.execute(text.replace("GRANT ", "REVOKE ").replace(" TO ", " FROM "))


def granted_rights(file: Path = SERVING) -> list[tuple[str, str]]:
    """Return the rights on tables and sequences that the file grants: name and privilege."""
    text = file.read_text()
    found = re.findall(r"^GRANT ([A-Z, ]+) ON (?:SEQUENCE )?([^;]+) TO", text, re.MULTILINE)
    return sorted(
        (name.strip(), privilege.strip())
        for privileges, names in found
        if privileges not in ("USAGE", "EXECUTE") or names.endswith("_seq")
        for name in names.split(",")
        for privilege in privileges.split(",")
    )
