"""What a migrator needs of the server, the database and its role, checked before any change."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.migrations import older_events
from telemetry.migrations.files import Names, known_migrations, names_in

SURROUNDINGS = statements.load("migrations/surroundings")
TAKEN_NAMES = statements.load("migrations/taken_names")
NOT_OWNED = statements.load("migrations/not_owned")

HIDDEN = statements.load("migrations/hidden")

OLDEST_VERSION = 140000


class MigrationError(Exception):
    """A migration cannot be applied or rolled back. The message is one line for the operator."""


def check(connection: Connection, applied: set[str], directory: Path) -> bool:
    """Check what the pending migrations need; return whether they move an older table aside.

    Raises MigrationError when something is missing or in the way.
    """
    known = known_migrations(directory)
    pending = [name for name in known if name not in applied]
    names = names_in(pending, directory)
    own = names_in([name for name in known if name in applied], directory)
    if not pending:
        return False
    taken = _taken(connection, names, own)
    older = older_events.TABLE in [name for _, name in taken]
    if older:
        taken = _without_older_events(connection, taken)
    if taken:
        shown = ", ".join(f"{kind} {name}" for kind, name in taken[:5])
        more = f" and {len(taken) - 5} more" if len(taken) > 5 else ""
        raise MigrationError(
            f"refused: the database already has {shown}{more}, which the pending migrations create;"
            " rename it, or use another database; nothing was changed"
        )
    _check_rights(connection, names, moved=[older_events.TABLE] if older else [])
    return older


def check_server(connection: Connection) -> None:
    """Raise MigrationError when the service cannot work in this database, whatever the role."""
    refuse_server(_surroundings(connection, []))


def refuse_server(row: Mapping[str, Any]) -> None:
    """Raise MigrationError for a server or a database that the row shows to be unfit."""
    if row["version"] < OLDEST_VERSION:
        major = row["version"] // 10000
        raise MigrationError(f"the server is PostgreSQL {major}, and 14 or newer is needed")
    if row["encoding"] != "UTF8":
        raise MigrationError(f"the database has the encoding {row['encoding']}, and needs UTF8")
    if row["in_recovery"]:
        raise MigrationError(
            "the server is a hot standby (pg_is_in_recovery), which cannot be written to;"
            " migrate the primary server"
        )
    if row["read_only"]:
        raise MigrationError(
            "the database is read-only for this role (default_transaction_read_only is on);"
            " turn that off, or use another role"
        )


def check_visible(connection: Connection) -> None:
    """Raise MigrationError when tables of migrations exist that the role cannot see."""
    if hidden := connection.execute(HIDDEN).fetchone():
        raise MigrationError(
            f"role {hidden['role']} may not look into schema {hidden['schema']}; run as an"
            f" administrator: GRANT USAGE ON SCHEMA {hidden['schema']} TO {hidden['role']}"
        )


def unreadable(connection: Connection) -> MigrationError:
    """Return the error for a role that may not read which migrations are applied."""
    role = _surroundings(connection, [])["role"]
    return MigrationError(
        f"role {role} may not read which migrations are applied; connect as the owner of the"
        " tables (TELEMETRY_OWNER_DATABASE_URL), or run as an administrator:"
        f" GRANT SELECT ON _yoyo_migration, migration_checksums TO {role}"
    )


def _taken(connection: Connection, names: Names, own: Names) -> list[tuple[str, str]]:
    """Return the kind and the name of each object that is in the way of the migrations."""
    wanted = {
        "schemas": sorted(names.schemas - own.schemas),
        "relations": sorted(names.relations - own.relations),
        "functions": sorted(names.functions - own.functions),
    }
    rows = connection.execute(TAKEN_NAMES, wanted).fetchall()
    return [(row["kind"], row["name"]) for row in rows]


def _without_older_events(
    connection: Connection, taken: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return what stays in the way when the older service's table has been moved aside.

    Raises MigrationError when the table is not that of an older service.
    """
    older = older_events.find(connection, older_events.TABLE)
    if older is None or older.difference:
        how = older.difference if older else "it is not a table"
        raise MigrationError(
            f"refused: the database already has {older_events.TABLE}, and it is not the table of"
            f" an older service ({how}); rename it, or use another database; nothing was changed"
        )
    if older_events.find(connection, older_events.ASIDE):
        raise MigrationError(
            f"refused: the database has {older_events.TABLE} of an older service, and"
            f" {older_events.ASIDE} too, the name that it would get; rename one of them; nothing"
            " was changed"
        )
    return [it for it in taken if it[1] not in {older_events.TABLE, *older.parts}]


def _check_rights(connection: Connection, names: Names, moved: list[str]) -> None:
    """Raise MigrationError with the statements that give the role the rights it needs."""
    row = _surroundings(connection, _named_schemas(names))
    role, missing = row["role"], []
    if names.schemas and not row["may_create_schemas"]:
        missing.append(f"GRANT CREATE ON DATABASE {row['database']} TO {role}")
    if row["schema"] is None and not row["named_schemas"]:
        raise MigrationError("no schema of the search_path exists; create one, or set search_path")
    closed = row["closed_schemas"] if row["schema"] else row["named_schemas"]
    missing += [f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}" for schema in closed]
    tables = {"tables": sorted({*names.changed, *moved})}
    missing += [
        f"GRANT {owner['owner']} TO {role}" for owner in connection.execute(NOT_OWNED, tables)
    ]
    if missing:
        raise MigrationError(
            f"role {role} lacks rights that the pending migrations need; nothing was changed;"
            f" run as an administrator: {'; '.join(missing)}"
        )


def _surroundings(connection: Connection, schemas: list[str]) -> Mapping[str, Any]:
    row = connection.execute(SURROUNDINGS, {"schemas": schemas}).fetchone()
    assert row is not None
    return row


def _named_schemas(names: Names) -> list[str]:
    every = {*names.relations, *names.functions, *names.changed}
    return sorted({name.split(".")[0] for name in every if "." in name} - names.schemas)
