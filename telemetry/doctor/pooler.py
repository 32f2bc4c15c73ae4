"""Which pooler is between the service and its database, and whether the configuration fits it."""

from collections.abc import Iterator

from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.doctor.finding import Finding, ok, problem, warning
from telemetry.doctor.subject import Subject, database_errors
from telemetry.time_limits import CONNECT_SECONDS

CHECK = "pooler"

BACKEND = statements.load("doctor/backend")

VARIABLE = "TELEMETRY_DB_PREPARED_STATEMENTS"

# Whose transactions, one after the other. A transaction pooler gives the second client the server
# connection that the first has just given back, or gives each transaction the next one of several.
TURNS = (0, 0, 1, 1, 0, 0, 1, 1)


def check_pooler(subject: Subject) -> Iterator[Finding]:
    """Yield which pooler there is, and whether the service has to do without a session.

    A pooler makes up the process id that a client gets when it connects, so that of the server
    process differs. When two connections have the same server process in turn, transactions are
    pooled: a connection of the service has no session of its own.
    """
    with (
        database_errors(CHECK),
        subject.database.open_one(CONNECT_SECONDS) as first,
        subject.database.open_one(CONNECT_SECONDS) as second,
    ):
        clients = (first, second)
        seen = [(turn, _process(clients[turn])) for turn in TURNS]
        is_pooled = seen[0][1] != first.pgconn.backend_pid
    is_shared = len({*seen}) > len(clients) or len({process for _, process in seen}) < len(clients)
    yield explained(is_pooled=is_pooled, is_shared=is_shared, has_session=_has_session(subject))


def _has_session(subject: Subject) -> bool:
    return subject.config.db_prepared_statements


def _process(connection: Connection) -> int:
    """Return the id of the server process that runs a transaction of the connection."""
    row = connection.execute(BACKEND, prepare=False).fetchone()
    return int(row["process_id"]) if row else 0


def explained(*, is_pooled: bool, is_shared: bool, has_session: bool) -> Finding:
    """Return what the pooler means for the configuration."""
    if is_shared:
        if has_session:
            says = "a pooler shares server connections between transactions; it keeps no session"
            return problem(CHECK, says, f"set {VARIABLE}=false")
        return ok(CHECK, f"a transaction pooler, and {VARIABLE} is false, as it needs")
    if is_pooled:
        if has_session:
            return ok(CHECK, "a pooler that keeps sessions")
        says = f"a pooler that seems to keep sessions, and {VARIABLE} is false"
        return ok(CHECK, f"{says}, which is always safe")
    if has_session:
        return ok(CHECK, "none: the connections go to the server itself")
    says = f"there is no pooler, and {VARIABLE} is false, which costs time"
    return warning(CHECK, says, f"unset {VARIABLE}")
