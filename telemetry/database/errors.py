"""The failures of a database as exceptions of this project: the driver's own end here.

Each class says what the client gets (``detail``, ``retry_after``) and what readiness reports
(``readiness_error``), so that a failure has one name everywhere.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from telemetry.failures import REPAIR_RETRY_AFTER_SECONDS, Unavailable

# What a server or a pooler says when it has no connection left. libpq passes on no SQLSTATE of a
# refused connection, only this text.
_NO_CONNECTION_LEFT = re.compile(r"too many|connection slots|no more connections")

# What libpq says when no host of the URL takes writes (target_session_attrs=read-write).
_READ_ONLY_HOSTS = re.compile(r"session is read-only|server is in hot standby mode")

# What Citus reports, as an internal error, when a worker ends in the middle of a statement.
_LOST_A_WORKER = re.compile(
    "failure on connection|connection to the remote node|server closed the connection"
)

# How Citus names the constraint of a shard: in the message alone, with the number of the shard, but
# for a CHECK of a partitioned table.
_OF_A_SHARD = re.compile(r'constraint "(.+?)(?:_\d{6,})?"')

# What a change gets that waits for a lock only for a moment, and can try again.
LOCK_COLLISIONS = (errors.LockNotAvailable, errors.DeadlockDetected)

# Of these, each says that an object is missing, or is not as the migrations made it.
_SCHEMA_ERRORS = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.UndefinedObject,
    errors.InvalidSchemaName,
    errors.InvalidColumnReference,  # ON CONFLICT finds no unique index
    errors.WrongObjectType,
    errors.DatatypeMismatch,
)

# A statement that was prepared on one connection and runs on another.
_STATEMENT_ERRORS = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)

MIGRATE_OR_RESTORE = (
    "run `python -m telemetry migrate`, or restore what is missing as sql/schema.sql has it"
)
GRANT_RIGHTS = "`python -m telemetry grants --role NAME` prints the SQL that grants what is missing"
GIVE_A_DEFAULT = "give the column a default, or enable the trigger that fills it"
USE_NO_SESSION = "behind this pooler, set TELEMETRY_DB_PREPARED_STATEMENTS=false"

# The keys whose values come from a sequence, and it. No client chooses them, so a collision is
# never a fault of the data.
SEQUENCES = {
    "audio_runtime_events_pkey": "os_core.audio_runtime_events_event_id_seq",
    "audit_events_pkey": "audit.audit_events_audit_event_id_seq",
}


class DatabaseUnavailable(Unavailable):
    """The database is unreachable, out of connections or too slow; the message is for the log."""

    readiness_error = "database_unreachable"

    @property
    def detail(self) -> str:
        """The text for the client, without the cause: it may name hosts."""
        return "The database is unavailable; the same request can be sent again"

    @property
    def log(self) -> str:
        """The message of the request's log line, with the cause."""
        return f"Database unavailable: {self}"


class OutOfConnections(DatabaseUnavailable):
    """The database responds, and has no connection left for this process."""


class DatabaseReadOnly(DatabaseUnavailable):
    """The database takes no writes: a standby, or a server or role that is set to read-only."""

    readiness_error = "database_read_only"

    @property
    def detail(self) -> str:
        """The text for the client."""
        return (
            "The database is read-only. That may be a failover that passes: the same request can be"
            " sent again. If it stays, the database has to be made writable"
        )


class DatabaseNeedsRepair(DatabaseUnavailable):
    """Every attempt fails until a person changes something; the message says what."""

    retry_after = REPAIR_RETRY_AFTER_SECONDS

    @property
    def detail(self) -> str:
        """The text for the client."""
        return f"The database has to be repaired before this can succeed: {self}"


class SchemaDiffers(DatabaseNeedsRepair):
    """A table, column, function or index is missing, or not as the migrations made it."""

    readiness_error = "schema_altered"


class RightsMissing(DatabaseNeedsRepair):
    """The role of the service lacks a right."""

    readiness_error = "permission_denied"


class SequenceBehind(DatabaseNeedsRepair):
    """A sequence gave a value that its table has, or that is too low, until someone sets it."""

    readiness_error = "sequence_behind"

    def __init__(self, sequence: str, cause: str) -> None:
        super().__init__(f"the sequence {sequence} is behind its table: {cause}")
        self.sequence = sequence

    @property
    def detail(self) -> str:
        """The text for the client, which names the sequence."""
        return (
            f"The sequence {self.sequence} is behind its table and has to be set;"
            " then the same request can be sent again"
        )


class SessionNotKept(DatabaseNeedsRepair):
    """A pooler drops the options of a connection, or its prepared statements."""


class DatabaseNotConfigured(Unavailable):
    """The configuration names no database for this domain; the message says what to set."""

    retry_after = REPAIR_RETRY_AFTER_SECONDS

    @property
    def detail(self) -> str:
        """The text for the client."""
        return f"Not configured: {self}"

    @property
    def log(self) -> None:
        """None: the cause is in the log since the start."""


class IntegrityViolation(Exception):
    """A constraint refused the data."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class Collision(DatabaseUnavailable):
    """The database rolled back this transaction because it collided with another."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn the driver's errors into those above. Programming errors pass through unchanged."""
    try:
        yield
    except psycopg.Error as error:
        translated = translate(error)
        if translated is error:
            raise
        raise translated from error


def translate(error: psycopg.Error) -> Exception:  # noqa: PLR0911 - one line for each class
    """Return the exception that stands for the driver's error, or the error itself.

    The classes are those of https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    cause = cause_of(error)
    match error:
        case errors.SerializationFailure() | errors.DeadlockDetected():
            return Collision(cause)
        case errors.ReadOnlySqlTransaction():
            return DatabaseReadOnly(cause)
        case errors.InsufficientPrivilege():
            return RightsMissing(f"the role of the service lacks a right: {cause}; {GRANT_RIGHTS}")
        case errors.NotNullViolation():
            # Payloads have every value that the service's columns need.
            return SchemaDiffers(f"no record can fill a column: {cause}; {GIVE_A_DEFAULT}")
        case psycopg.IntegrityError():
            constraint = constraint_of(error)
            if constraint in SEQUENCES:
                return SequenceBehind(SEQUENCES[constraint], cause)
            return IntegrityViolation(constraint)
        case psycopg.OperationalError():
            return _operational(error, cause)
    if isinstance(error, _SCHEMA_ERRORS):
        return SchemaDiffers(
            f"the schema is not migrated, or was altered: {cause}; {MIGRATE_OR_RESTORE}"
        )
    if isinstance(error, errors.InternalError_) and _LOST_A_WORKER.search(cause):
        return DatabaseUnavailable(cause)
    if isinstance(error, _STATEMENT_ERRORS):
        return SessionNotKept(f"{cause}; {USE_NO_SESSION}")
    return error


def constraint_of(error: psycopg.Error) -> str:
    """Return the name of the constraint that the error reports, also where a shard has it."""
    if name := error.diag.constraint_name:
        return name
    of_a_shard = _OF_A_SHARD.search(error.diag.message_primary or "")
    return of_a_shard[1] if of_a_shard else "unnamed"


def _operational(error: psycopg.OperationalError, cause: str) -> Exception:
    if (error.sqlstate or "").startswith("54"):
        return error  # the statement exceeds a limit of PostgreSQL: a retry would fail again
    if isinstance(error, errors.TooManyConnections) or _NO_CONNECTION_LEFT.search(cause):
        return OutOfConnections(cause)
    if _READ_ONLY_HOSTS.search(cause):
        return DatabaseReadOnly(cause)
    if error.sqlstate is None and _refuses_options(cause):
        return SessionNotKept(f"{cause}; {USE_NO_SESSION}")
    return DatabaseUnavailable(cause)


def _refuses_options(cause: str) -> bool:
    """Return whether a pooler refused a connection because of its options."""
    return "unsupported startup parameter" in cause or "command-line options" in cause


def cause_of(error: BaseException) -> str:
    """Return the error as one line for the log; libpq repeats itself over several lines."""
    text = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return " ".join((text or str(error) or type(error).__name__).split())
