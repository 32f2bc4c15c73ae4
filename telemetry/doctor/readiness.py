"""What readiness asks of a database, everything at once, and the files of its migrations."""

from collections.abc import Iterator

import psycopg
from psycopg.errors import InsufficientPrivilege

from telemetry.database.connection import Connection
from telemetry.database.errors import GRANT_RIGHTS, cause_of
from telemetry.doctor.connection import explained
from telemetry.doctor.finding import Finding, ok, problem, unchecked, warning
from telemetry.doctor.subject import Subject, database_errors
from telemetry.health.store import Checked, Probe
from telemetry.migrations import runner
from telemetry.migrations.files import known_migrations
from telemetry.migrations.surroundings import MigrationError

# Of the failures of one check, and of the characters of its line.
SHOWN, MOST_CHARACTERS = 5, 400

FINE = {
    "workers": "every worker of the cluster responds to this role",
    "migrations": "none is pending",
    "tables": "every table and sequence exists",
    "rights": "the role has every right that requests need",
    "triggers": "the triggers that keep the ledgers append-only are enabled",
    "ids": "an id of a runtime event is stored once",
    "definitions": "the ledger's tables, functions and triggers are as this release defines them",
    "sequences": "none is behind its table",
}

FIXES = {
    "workers": (
        "start the worker; if it runs, let the role log in there: LOGIN, pg_hba.conf and, where it"
        " asks for a password, pg_dist_authinfo or .pgpass of the coordinator's server"
    ),
    "migrations": "run `python -m telemetry migrate`",
    "tables": "restore them as sql/schema.sql has them",
    "rights": GRANT_RIGHTS,
    "triggers": "as the owner: ALTER TABLE … ENABLE ALWAYS TRIGGER …; then run `verify`",
    "ids": "restore it as sql/schema.sql or sql/scale_out/partition/ has it",
    "definitions": "restore them as sql/schema.sql has them; then run `verify`",
    "sequences": "set them: see the sequences in docs/backup.md",
}


def check_schema(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each thing that readiness checks, not the first failure alone."""
    probe = Probe(subject.database, known_migrations(), subject.domains)

    def check(connection: Connection) -> list[Checked]:
        found: list[Checked] = []
        for it in probe.checked(connection):
            found.append(it)
            if it.failures and it.what in ("migrations", "tables"):
                break  # the rest reads tables that may be missing
        return found

    with database_errors("schema"):
        checked = subject.database.transact(check)
    for it in checked:
        if it.failures:
            failures = [failure for failure in it.failures if failure != GRANT_RIGHTS]
            failures += [it.cause] if it.cause else []
            yield problem(it.what, shortened(failures), FIXES[it.what])
        elif not it.known:
            says = "another transaction has a table locked, so they can't be read"
            yield unchecked(it.what, says, "run the doctor again; pg_locks shows who has the lock")
        else:
            yield ok(it.what, FINE[it.what])


def shortened(failures: list[str]) -> str:
    """Return the first failures as one line of a readable length."""
    more = f"; {len(failures) - SHOWN} more" if len(failures) > SHOWN else ""
    line = "; ".join(failures[:SHOWN])
    return (line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}…") + more


def check_migration_files(subject: Subject) -> Iterator[Finding]:
    """Yield the applied migrations whose file was edited since."""
    with database_errors("migrations"):
        try:
            status = runner.status(subject.owner_url)
        except psycopg.OperationalError as error:
            if error.sqlstate or subject.owner_url == subject.url:
                raise
            found = explained(cause_of(error), subject.owner_url)
            says = f"commands cannot connect as the owner: {found.says}"
            yield warning("owner", says, found.fix or "")
            return
        except MigrationError as error:
            if isinstance(error.__cause__, InsufficientPrivilege):
                says = "their owner alone may compare the files with what was applied"
                yield ok("migrations", f"{says}: `python -m telemetry migrate --status`")
                return
            yield problem("migrations", str(error), "do what the message says")
            return
    for name in status.edited:
        says = f"the file of {name} was edited since it was applied"
        yield warning(
            "migrations", says, "restore the file from the release; write a new migration"
        )
    if newer := {*status.applied} - {*known_migrations()}:
        says = f"a newer release migrated the database ({max(newer)})"
        yield warning("migrations", says, "nothing, if this release is about to be replaced")
