"""Whether the options of the service apply to its statements; poolers drop them."""

from collections.abc import Iterator

from telemetry.database import statements
from telemetry.doctor.finding import Finding, ok, problem
from telemetry.doctor.subject import Subject, database_errors
from telemetry.time_limits import STATEMENT_SECONDS

CHECK = "options"

SETTINGS = statements.load("doctor/settings")

EXPECTED = {
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "time_zone": "UTC",
    "date_style": "ISO",
    "standard_conforming_strings": "on",
    "transaction_isolation": "read committed",
    "enable_seqscan": "off",
    "jit": "off",
}


def check_options(subject: Subject) -> Iterator[Finding]:
    """Yield whether a transaction of the service has the settings that it asks for."""
    with database_errors(CHECK):
        row = subject.database.transact(lambda it: it.execute(SETTINGS, prepare=False).fetchone())
    found = row or {}
    differing = [
        f"{name} is {found.get(name)!r} instead of {value!r}"
        for name, value in EXPECTED.items()
        if str(found.get(name)).partition(",")[0] != value
    ]
    if differing:
        fix = "set TELEMETRY_DB_PREPARED_STATEMENTS=false: a pooler drops them"
        yield problem(CHECK, "; ".join(differing), fix)
    else:
        yield ok(CHECK, f"all arrived, among them statement_timeout = {STATEMENT_SECONDS}s")
