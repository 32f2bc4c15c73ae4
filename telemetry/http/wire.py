"""Reading requests from a connection: the parts of gunicorn's parser that this service changes.

It imports neither Flask nor the driver, as ``worker.py``.
"""

import re
from contextlib import suppress
from math import inf
from socket import SHUT_RD
from time import monotonic
from typing import Any

from gunicorn.http import errors, message
from gunicorn.http.unreader import SocketUnreader

from telemetry import time_limits
from telemetry.http import request_ids

# One line of a head. A head that is not valid HTTP may end its lines with a newline alone.
_REQUEST_ID = re.compile(rb"\r?\nX-Request-ID:[ \t]*(?P<id>[^\r\n]*)", re.IGNORECASE)
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


class HeadTimeout(errors.ParseException):  # type: ignore[misc]  # gunicorn has no types
    """The head of a request did not arrive in time."""


class Connection(SocketUnreader):  # type: ignore[misc]  # gunicorn has no types
    """The bytes that a client sends. It knows how long the client has been silent."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.is_idle = True
        self.waiting_since = inf
        self._is_ended = False

    @property
    def is_buffered(self) -> bool:
        """Whether bytes of the next request have arrived with the last one."""
        return bool(self.buf.tell())

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return the next bytes; none at the end. Raises TimeoutError when none arrive in time."""
        self.waiting_since = monotonic()
        try:
            data: bytes = super().chunk(size_hint)
        finally:
            self.waiting_since = inf
        if self._is_ended and not data and not self.is_idle:
            raise TimeoutError
        return data

    def await_request(self, seconds: float) -> None:
        """Let the client be silent for as long as a connection may be idle."""
        self.is_idle = True
        self.sock.settimeout(seconds)

    def begin_request(self) -> None:
        """Let the client be silent no longer than in the middle of a request."""
        self.is_idle = False
        self.sock.settimeout(time_limits.SILENCE_SECONDS)

    def end(self) -> None:
        """Read what has arrived and nothing later: a request that waits for more is 408."""
        self.waiting_since = inf
        self._is_ended = True
        with suppress(OSError):  # the client is gone
            self.sock.shutdown(SHUT_RD)  # which wakes the greenlet that reads


class Refused(Exception):
    """A request that cannot be read. ``request_id`` is the caller's, where it could be read."""

    def __init__(self, cause: Exception, request_id: str | None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.request_id = request_id


class Request(message.Request):  # type: ignore[misc]  # gunicorn has no types
    """A request whose head ends in time and whose body is chunked or has a length."""

    head = b""
    deadline = inf

    def __init__(self, cfg: Any, connection: Connection, addr: Any, number: int) -> None:
        """Read the head. Raises StopIteration at the end of the connection, or Refused."""
        try:
            super().__init__(cfg, connection, addr, number)
        except (StopIteration, OSError):
            raise
        except Exception as error:
            raise Refused(error, caller_id(self.head)) from error

    def read_into(self, unreader: Connection, buf: bytearray, stop: bool = False) -> None:
        """Read more of the head."""
        start = len(buf)
        try:
            super().read_into(unreader, buf, stop)
        except TimeoutError as error:
            if stop:
                raise  # the connection was idle
            raise HeadTimeout from error
        self.head += buf[start:]
        if stop:
            unreader.begin_request()
            self.deadline = monotonic() + time_limits.SILENCE_SECONDS
        elif monotonic() > self.deadline:
            raise HeadTimeout

    def set_body_reader(self) -> None:
        """Refuse every Transfer-Encoding but chunked; gunicorn does not undo any other."""
        for name, value in self.headers:
            if name == "TRANSFER-ENCODING":
                codings = {coding.strip(" \t").lower() for coding in value.split(",")}
                if codings != {"chunked"}:
                    raise errors.UnsupportedTransferCoding("")
        super().set_body_reader()


def caller_id(head: bytes) -> str | None:
    """Return the caller's request id in a head that may not be valid; None without a valid one."""
    found = _REQUEST_ID.findall(_END_OF_HEAD.split(head.lstrip(b"\r\n"), 1)[0])
    text = found[0].decode("latin-1").strip(" \t") if len(found) == 1 else ""
    return text if request_ids.is_valid(text) else None
