"""The migration files of this release."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parent.parent.parent / "migrations"

# Checksum of an earlier text of a migration that does the same, where it can run.
EARLIER_CHECKSUMS = {
    # It failed on PostgreSQL 15.20 and the other releases of its day.
    "0019_audio_runtime_feed": "5a132a59f3a34cd7fb483fd6f42fd5f54ecaa902c479c389976c9445fcb77b86",
}

_COMMENT_OR_BODY = re.compile(r"--[^\n]*|\$\$.*?\$\$", re.DOTALL)
_STATEMENT = re.compile(r"[^;]+")
_CREATED = re.compile(
    r"\bCREATE (?:(?P<schema>SCHEMA)|(?P<function>FUNCTION|AGGREGATE|PROCEDURE)"
    r"|(?:UNLOGGED )?(?:TABLE|SEQUENCE|VIEW)) (?P<name>[\w.]+)"
)
_INDEX = re.compile(r"\bCREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(\w+)\s+ON ([\w.]+)")
_TABLE = re.compile(r"\b(?:CREATE (?:UNLOGGED )?|ALTER )TABLE (?:ONLY )?([\w.]+)")
_KEY = re.compile(r"\bCONSTRAINT (\w+)\s+(?:PRIMARY KEY|UNIQUE|EXCLUDE)")
_DROPPED = re.compile(
    r"\bDROP (?:TABLE|SEQUENCE|VIEW|INDEX|CONSTRAINT|FUNCTION|AGGREGATE|SCHEMA)"
    r"(?: CONCURRENTLY)?(?: IF EXISTS)? ([\w., ]+)"
)
_NO_TRANSACTION = re.compile(r"^-- transactional: false", re.MULTILINE)
_CHANGED = re.compile(r"\b(?:ALTER TABLE(?: ONLY)?|DROP TABLE|ON|ON TABLE) ([\w.]+)")


@dataclass(frozen=True)
class Names:
    """What migrations name in a database; ``changed`` may hold words that are not tables."""

    schemas: frozenset[str]
    relations: frozenset[str]
    functions: frozenset[str]
    changed: frozenset[str]


def known_migrations(directory: Path = DIRECTORY) -> list[str]:
    """Return the names of the migrations, in order."""
    files = directory.glob("[0-9]*.sql")
    return sorted(file.stem for file in files if not file.name.endswith(".rollback.sql"))


def checksum(file: Path | str) -> str:
    """Return the hex SHA-256 of a migration's file, the same with CRLF and LF line ends."""
    return hashlib.sha256(Path(file).read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def is_edited(file: Path, applied: str) -> bool:
    """Return whether a migration's file has changed since it was applied with this checksum."""
    return applied not in (checksum(file), EARLIER_CHECKSUMS.get(file.stem))


def names_in(migrations: list[str], directory: Path = DIRECTORY) -> Names:
    """Return what the files create, apart from what they drop before they create it.

    A migration without a transaction creates nothing here: an interrupted attempt may have left
    some of its objects, and its file can be run again over them.
    """
    created: dict[str, set[str]] = {"schema": set(), "relation": set(), "function": set()}
    dropped: set[str] = set()
    changed: set[str] = set()
    for migration in migrations:
        text = (directory / f"{migration}.sql").read_text(encoding="utf-8")
        for statement in _STATEMENT.findall(_COMMENT_OR_BODY.sub(" ", text)):
            for names in _DROPPED.findall(statement):
                dropped |= {name.rpartition(".")[2] for name in re.findall(r"[\w.]+", names)}
            changed |= {*_CHANGED.findall(statement)}
            for kind, name in () if _NO_TRANSACTION.search(text) else _created(statement):
                if name.rpartition(".")[2] not in dropped:
                    created[kind].add(name)
    return Names(
        schemas=frozenset(created["schema"]),
        relations=frozenset(created["relation"]),
        functions=frozenset(created["function"]),
        changed=frozenset(changed),
    )


def _created(statement: str) -> list[tuple[str, str]]:
    """Return the kind and the name of each object that the statement creates."""
    if found := _CREATED.search(statement):
        kind = "schema" if found["schema"] else "function" if found["function"] else "relation"
        created = [(kind, found["name"])]
    else:
        created = [("relation", _beside(table, it)) for it, table in _INDEX.findall(statement)]
    if table := _TABLE.search(statement):
        created += [("relation", _beside(table[1], key)) for key in _KEY.findall(statement)]
    return created


def _beside(table: str, name: str) -> str:
    """Return the name of an index or a key with the schema of its table."""
    schema, dot, _ = table.rpartition(".")
    return f"{schema}{dot}{name}"
