"""What goes wrong at a database, in the service's own words: the driver's errors end here."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors


class DatabaseUnavailable(Exception):
    """The database is unreachable, out of connections or too slow; try the same again later."""


class DatabaseNotConfigured(Exception):
    """The configuration names no database for this domain; the message says what to set."""


class IntegrityViolation(Exception):
    """A constraint refused the data."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class Collision(DatabaseUnavailable):
    """The database undid this transaction in favour of another one."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn the driver's errors into ours; one that is nobody's business but ours stays as it is.

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
        raise IntegrityViolation(error.diag.constraint_name or "unnamed") from error
    except psycopg.OperationalError as error:
        if (error.sqlstate or "").startswith("54"):
            raise  # a limit of the program, which the same request meets again
        raise DatabaseUnavailable(_cause(error)) from error


def _cause(error: psycopg.Error) -> str:
    """Return one line for the log: libpq repeats itself over several."""
    return " ".join((error.diag.message_primary or str(error) or type(error).__name__).split())
