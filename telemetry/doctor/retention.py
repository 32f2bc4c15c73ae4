"""Whether the role of the service may delete what a retention is configured for."""

from collections.abc import Iterator

from telemetry.database import statements
from telemetry.doctor.finding import Finding, ok, problem
from telemetry.doctor.subject import Subject, database_errors
from telemetry.retention.kinds import KINDS

CHECK = "retention"

RIGHTS = statements.load("doctor/retention_rights")

FIX = "`python -m telemetry grants --role NAME --retention` prints the SQL that grants it"


def check_retention(subject: Subject) -> Iterator[Finding]:
    """Yield whether the role may prune; nothing where no retention is configured."""
    for kind in KINDS:
        if kind.name not in subject.domains or kind.older_than(subject.config) is None:
            continue
        with database_errors(CHECK):
            rows = subject.database.fetch_all(RIGHTS, {"domain": kind.name}, prepare=False)
        if rows:
            lacking = ", ".join(f"{row['privilege']} on {row['name']}" for row in rows)
            says = f"{kind.variable} is set, and the role lacks the rights to prune: {lacking}"
            yield problem(CHECK, says, FIX)
        else:
            yield ok(CHECK, f"the role has the rights to prune {kind.noun}")
