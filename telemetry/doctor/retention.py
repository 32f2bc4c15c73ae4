"""Whether the role of the service may delete what the configured retention deletes."""

from collections.abc import Iterator

from telemetry.doctor.finding import Finding, ok, problem
from telemetry.doctor.subject import Subject, database_errors
from telemetry.retention.kinds import KINDS
from telemetry.retention.prune import GRANT_RETENTION, RIGHTS

CHECK = "retention"


def check_retention(subject: Subject) -> Iterator[Finding]:
    """Yield whether the daily prune has its rights; nothing where no retention is set."""
    kinds = [it for it in KINDS if it.name in subject.domains and it.older_than(subject.config)]
    if not kinds:
        return
    with database_errors(CHECK):
        rows = subject.database.transact(
            lambda it: it.execute(
                RIGHTS, {"kinds": [kind.name for kind in kinds], "role": None}, prepare=False
            ).fetchall()
        )
    # A table that does not exist is of a pending migration, which another check names.
    lacking = {f"{row['privilege']} on {row['name']}" for row in rows if row["granted"] is False}
    if lacking:
        rights = ", ".join(sorted(lacking))
        says = f"the daily prune cannot work, since the role has no right to {rights}"
        yield problem(CHECK, says, GRANT_RETENTION)
    else:
        nouns = " and ".join(kind.noun for kind in kinds)
        yield ok(CHECK, f"the role may prune {nouns} once a day")
