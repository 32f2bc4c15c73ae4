"""``sql/definitions.txt``: the hashes of the definitions that the migrations make."""

from telemetry.database.connection import connect
from telemetry.database.embedded import embedded_postgres
from telemetry.health.definitions import FILE, Hashes, hashes_of
from telemetry.migrations import runner
from tests.support import schema_file
from tests.support.databases import database, execute
from tests.support.server import folder

HEADER = """\
# The hashes of the definitions that readiness and verify compare. Generated from the migrations:
# `make schema` writes this file, and a test fails when it differs from them. Do not edit it.
"""


def generate(migrated: str, restored: str) -> str:
    """Return the text of the file, from a migrated database and one that schema.sql makes."""
    with connect(migrated) as one, connect(restored) as other:
        found = hashes_of(one), hashes_of(other)
    return HEADER + "".join(sorted(_lines(*found)))


def restore(url: str) -> None:
    """Create, in an empty database, what a restore of a dump creates."""
    with connect(url) as connection:
        connection.execute(schema_file.FILE.read_bytes())


def write() -> None:
    """Write the file, from an embedded PostgreSQL that lives as long as this takes."""
    with folder() as parent, embedded_postgres(parent / "data") as url:
        execute(url, "CREATE DATABASE restored")
        runner.migrate(url, lambda _: None)
        restore(database(url, "restored"))
        FILE.write_text(generate(url, database(url, "restored")), encoding="utf-8")


def _lines(migrated: Hashes, restored: Hashes) -> list[str]:
    assert migrated.keys() == restored.keys()
    return [
        "\t".join([*name, *sorted(hashes | restored[name])]) + "\n"
        for name, hashes in migrated.items()
    ]


if __name__ == "__main__":
    write()
