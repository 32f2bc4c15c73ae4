"""The failures of a database as exceptions of this project: the driver's own end here."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from telemetry.failures import Unavailable

# The keys whose values come from a sequence, and it. No client chooses them, so a collision is
# never a fault of the data.
SEQUENCES = {
    "audio_runtime_events_pkey": "os_core.audio_runtime_events_event_id_seq",
    "audit_events_pkey": "audit.audit_events_audit_event_id_seq",
}


class DatabaseUnavailable(Unavailable):
    """The database is unreachable, out of connections or too slow; the message is for the log."""

    @property
    def detail(self) -> str:
        """The text for the client, without the cause: it may name hosts and tables."""
        return "The database is unavailable; the same request can be sent again"

    @property
    def log(self) -> str:
        """The message of the request's log line, with the cause."""
        return f"[ERROR] Database unavailable: {self}"


class DatabaseNotConfigured(Unavailable):
    """The configuration names no database for this domain; the message says what to set."""

    @property
    def detail(self) -> str:
        """The text for the client."""
        return f"Not configured: {self}"

    @property
    def log(self) -> None:
        """None: the cause is in the log since the start."""


class SequenceBehind(DatabaseUnavailable):
    """A sequence gave a value that its table has, or that is too low, until someone sets it."""

    retry_after = 60

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


class IntegrityViolation(Exception):
    """A constraint refused the data."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class Collision(DatabaseUnavailable):
    """The database rolled back this transaction because it collided with another."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn the driver's errors into those above. Programming errors pass through unchanged.

    The classes are those of https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    try:
        yield
    except (errors.SerializationFailure, errors.DeadlockDetected) as error:
        raise Collision(_cause(error)) from error
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction) as error:
        raise DatabaseUnavailable(f"the schema is not migrated: {_cause(error)}") from error
    except (errors.ReadOnlySqlTransaction, errors.InsufficientPrivilege) as error:
        raise DatabaseUnavailable(_cause(error)) from error
    except psycopg.IntegrityError as error:
        constraint = error.diag.constraint_name or "unnamed"
        if constraint in SEQUENCES:
            raise SequenceBehind(SEQUENCES[constraint], _cause(error)) from error
        raise IntegrityViolation(constraint) from error
    except psycopg.OperationalError as error:
        if (error.sqlstate or "").startswith("54"):
            raise  # the statement exceeds a limit of PostgreSQL: a retry would fail again
        raise DatabaseUnavailable(_cause(error)) from error


def _cause(error: psycopg.Error) -> str:
    """Return the error as one line for the log; libpq repeats itself over several lines."""
    return " ".join((error.diag.message_primary or str(error) or type(error).__name__).split())
