"""The definitions that the rules of the audio runtime rest on, compared with this release's.

``sql/definitions.txt`` has the hash of each, or several where PostgreSQL prints it in another way
after a restore. ``make schema`` writes it. What a DBA adds is not in there, and is no difference.
``sql/scale_out/definitions.txt`` has what differs where the ledger is distributed: an object
without a hash does not exist there.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from telemetry.database import statements
from telemetry.database.connection import Connection

SET_UP = statements.load("health/definitions_set_up")
TABLE_DEFINITIONS = statements.load("health/table_definitions")
FUNCTION_DEFINITIONS = statements.load("health/function_definitions")
PLACEMENT_DEFINITIONS = statements.load("scale_out/health/placement_definitions")

DISTRIBUTED_FILE = statements.ROOT / "scale_out/definitions.txt"
FILE = statements.ROOT / "definitions.txt"

# The hashes of each object, by its kind and name.
Hashes = dict[tuple[str, str], set[str]]


class Difference(NamedTuple):
    """An object whose ``state`` is "missing" or "differs"; its table's name is part of its own."""

    kind: str
    name: str
    state: str

    def __str__(self) -> str:
        """Return the difference as a phrase."""
        said = "is missing" if self.state == "missing" else "is not as this release defines it"
        return f"{self.kind} {self.name} {said}"

    @property
    def finding(self) -> str:
        """Return the line that verify prints."""
        problem = f"{self.kind}_{self.state}"
        return f"tenant_id=- device_id=- event_id=- problem={problem} object={self.name}"


def read_hashes(path: Path) -> Hashes:
    """Read the file's lines: kind, name and hashes, separated by tabs."""
    lines = path.read_text(encoding="utf-8").splitlines()
    parts = [line.split("\t") for line in lines if not line.startswith("#")]
    return {(kind, name): {*hashes} for kind, name, *hashes in parts}


EXPECTED = read_hashes(FILE)


@cache
def distributed_hashes() -> Hashes:
    """Return the hashes that a database has whose ledger is distributed."""
    hashes = EXPECTED | read_hashes(DISTRIBUTED_FILE)
    return {name: found for name, found in hashes.items() if found}


def hashes_of(connection: Connection, *, lock_timeout: str = "0") -> Hashes:
    """Return the hashes of the definitions that a database has.

    Raises psycopg.Error, LockNotAvailable for a table that is locked beyond the ``lock_timeout``.
    """
    found: Hashes = defaultdict(set)
    # Rolled back, so that a transaction around it keeps its settings.
    with connection.transaction(force_rollback=True):
        connection.execute(SET_UP, {"lock_timeout": lock_timeout})
        several = [TABLE_DEFINITIONS, FUNCTION_DEFINITIONS]
        if connection.is_distributed:
            several.append(PLACEMENT_DEFINITIONS)
        for statement in several:
            for row in connection.execute(statement, prepare=False):
                definition = row["definition"].encode()
                found[row["kind"], row["name"]].add(sha256(definition).hexdigest())
    return found


def differences(found: Hashes) -> list[Difference]:
    """Return the objects of this release that a database with these hashes lacks or has altered.

    None for a database that has nothing of it: that it is not migrated shows otherwise.
    """
    return sorted(_differences(found)) if found else []


def _differences(found: Hashes) -> Iterable[Difference]:
    placed = any(kind == "placement" for kind, _ in found)
    for (kind, name), hashes in (distributed_hashes() if placed else EXPECTED).items():
        stored = found.get((kind, name))
        if not stored:
            yield Difference(kind, name, "missing")
        elif not stored <= hashes:
            yield Difference(kind, name, "differs")
