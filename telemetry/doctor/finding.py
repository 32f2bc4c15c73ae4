"""What a check says, and what that means for scripts."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Level = Literal["ok", "warning", "problem", "unchecked"]

# The worst one decides the status of an examination.
LEVELS: tuple[Level, ...] = ("ok", "warning", "unchecked", "problem")


class Finding(NamedTuple):
    """What a check says of one thing; ``fix`` is how to repair it, unless it is ok.

    ``place`` names the database, where there are two.
    """

    level: Level
    check: str
    says: str
    fix: str | None = None
    place: str | None = None


def ok(check: str, says: str) -> Finding:
    """Return the finding that a thing is as it has to be."""
    return Finding("ok", check, says)


def warning(check: str, says: str, fix: str) -> Finding:
    """Return the finding that the service works, but not as its operator may expect."""
    return Finding("warning", check, says, fix)


def problem(check: str, says: str, fix: str) -> Finding:
    """Return the finding that the service does not work, or loses something."""
    return Finding("problem", check, says, fix)


def unchecked(check: str, says: str, fix: str) -> Finding:
    """Return the finding that the check could not be done, for a reason that may pass."""
    return Finding("unchecked", check, says, fix)


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level of the findings."""
    return max((it.level for it in findings), key=LEVELS.index, default="ok")
