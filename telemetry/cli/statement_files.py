"""The statement files as the command line names and describes them."""

import re
from typing import NamedTuple

from telemetry.database import statements

_PARAMETER = re.compile(r"%\((\w+)\)s")

# What PostgreSQL plans. COPY, SET or COMMIT do their work without a plan.
_PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "WITH")


class NoSuchStatement(Exception):
    """No statement file has the name, or several do; the message lists the candidates."""


class StatementFile(NamedTuple):
    """A statement file: ``name`` is ``room/file``, ``text`` the statement without its header."""

    name: str
    header: str
    text: str

    @property
    def room(self) -> str:
        """The room of the file."""
        return self.name.partition("/")[0]

    @property
    def summary(self) -> str:
        """The first sentence of the header."""
        return re.split(r"(?<=\.) ", self.header)[0]

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters, in the order in which the driver numbers them."""
        return [*dict.fromkeys(_PARAMETER.findall(self.text))]

    @property
    def described_parameters(self) -> str:
        """What the header says about the parameters; ``none`` for a statement without any."""
        described = re.search(r" params: (.*?) index: ", self.header)
        return described[1] if described else ", ".join(self.parameters) or "none"

    @property
    def command(self) -> str:
        """The first word of the statement, such as ``SELECT``."""
        return re.sub(r"/\*.*?\*/", "", self.text).split(maxsplit=1)[0].rstrip(";").upper()

    @property
    def has_plan(self) -> bool:
        """Whether PostgreSQL makes a plan for the statement."""
        return self.command in _PLANNED

    def is_optional(self, parameter: str) -> bool:
        """Whether NULL means something for the parameter: the statement or its header says so."""
        placeholder = re.escape(f"%({parameter})s")
        tested = rf"{placeholder}(::[\w\[\]]+)? IS (NOT )?NULL|coalesce\({placeholder}"
        described = rf"\b{parameter} \([^)]*\bNULL\b"
        return bool(re.search(tested, self.text) or re.search(described, self.described_parameters))

    def is_array(self, parameter: str) -> bool:
        """Whether the statement casts the parameter to an array."""
        return bool(re.search(rf"%\({parameter}\)s::\w+\[\]", self.text))


def names() -> list[str]:
    """Return the names of all statement files, sorted."""
    files = {*statements.ROOT.glob("*/*.sql")} - {*statements.ROOT.glob("roles/*.sql")}
    return sorted(f"{file.parent.name}/{file.stem}" for file in files)


def read(name: str) -> StatementFile:
    """Read the file with the full name ``room/file``."""
    lines = (statements.ROOT / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    header = [line.removeprefix("-- ") for line in lines[: _end_of_header(lines)]]
    return StatementFile(name, " ".join(header), statements.load(name).decode())


def find(name: str) -> StatementFile:
    """Return the file that ``name`` means: ``room/file``, its path, or ``file`` if it is unique.

    Raises NoSuchStatement.
    """
    short = name.removeprefix("./").removeprefix("sql/").removesuffix(".sql")
    known = names()
    if short in known:
        return read(short)
    candidates = [it for it in known if short in it.split("/")]
    if len(candidates) == 1 and candidates[0].endswith(f"/{short}"):
        return read(candidates[0])
    if candidates:
        raise NoSuchStatement(f"{name!r} is not one file; say {' or '.join(candidates)}")
    raise NoSuchStatement(
        f"no statement file is named {name!r}; explain without a name lists all of them"
    )


def _end_of_header(lines: list[str]) -> int:
    return next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
