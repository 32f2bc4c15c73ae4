"""The base of every exception that becomes a 503 with ``Retry-After``.

Each cause is a subclass, defined where it is raised. ``telemetry/http/errors.py`` has the one
handler for all of them.
"""

# Long enough for a database to restart, short enough that an agent still holds its data.
RETRY_AFTER_SECONDS = 5

# For a failure that lasts until a person repairs something.
REPAIR_RETRY_AFTER_SECONDS = 60


# Said where a page does not even ask, because the database was found away a moment ago.
AWAY = "the database does not respond"


class Unavailable(Exception):
    """Something that the request needs cannot be used at the moment; the message says why.

    ``retry_after`` is how many seconds the client should wait before it tries again.
    """

    retry_after: int = RETRY_AFTER_SECONDS

    @property
    def detail(self) -> str:
        """The text for the client: the message, unless a subclass hides it."""
        return str(self)

    @property
    def log(self) -> str | None:
        """The message of the request's log line, or None for the usual one."""
        return str(self)
