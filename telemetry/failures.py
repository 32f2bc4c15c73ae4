"""Failures that pass: the response is 503 with ``Retry-After``, and the client sends it again.

Each cause is a subclass, defined where it is raised. ``telemetry/http/errors.py`` has the one
handler for all of them.
"""

# Long enough for a database to restart, short enough that an agent still holds its data.
RETRY_AFTER_SECONDS = 5


class Unavailable(Exception):
    """Something that the request needs cannot be used at the moment; ``str()`` says why.

    ``detail`` is what the client reads, ``log`` the message of the request's log line (None: the
    usual one), ``retry_after`` the seconds that the client should wait.
    """

    retry_after: int = RETRY_AFTER_SECONDS

    @property
    def detail(self) -> str:
        """The text for the client: the cause itself, unless a subclass hides it."""
        return str(self)

    @property
    def log(self) -> str | None:
        """The message of the request's log line, or None for the usual one."""
        return f"[ERROR] {self}"
