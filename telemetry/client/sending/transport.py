"""HTTP to the service: one connection that is kept open, gzip, deadlines."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import Any, Callable, NamedTuple, Optional, Union
from urllib.parse import urlsplit

from telemetry.client.config import is_url
from telemetry.client.sending.lines import Request

Token = Union[str, Callable[[], Optional[str]], None]

CONNECT_SECONDS = 10.0
# The service gives up on a request after 24 s. A request that it gave up on changes nothing later.
RESPONSE_SECONDS = 30.0
MAX_RESPONSE = 16 * 1024 * 1024
_COMPRESS_FROM = 1024
_TOKEN = re.compile(r"[!-~]+")

_of_parents: list[http.client.HTTPConnection] = []


class Unreachable(Exception):
    """The service gave no response."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error) or type(error).__name__)
        self.timed_out = isinstance(error, (TimeoutError, socket.timeout))


class Response(NamedTuple):
    """A response; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Transport:
    """Sends requests, one after another. Used by one thread."""

    def __init__(self, url: str, token: Token, user_agent: str) -> None:
        parts = urlsplit(url if is_url(url) else "")
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._token, self._user_agent = token, user_agent
        self.has_token = False  # whether the newest request had one
        self._connection: http.client.HTTPConnection | None = None

    def send(self, request: Request) -> Response:
        """Send a request about records and return the response. Raises Unreachable."""
        return self.request(request.method, request.path, request.body, request.content_type)

    def request(self, method: str, path: str, body: bytes, content_type: str) -> Response:
        """Send a request and return the response. Raises Unreachable.

        A connection that the server has closed meanwhile is opened again at once: each request is
        safe to send twice.
        """
        headers = self._headers(content_type)
        if len(body) >= _COMPRESS_FROM:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        kept = self._connection is not None
        try:
            return self._send(method, path, body, headers)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            if not kept or isinstance(error, (TimeoutError, socket.timeout)):
                raise Unreachable(error) from error
        try:
            return self._send(method, path, body, headers)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise Unreachable(error) from error

    def get(self, path: str, seconds: float) -> dict[str, Any] | None:
        """Return the JSON object of a path, on a connection of its own; None without one."""
        headers = self._headers("application/json")
        try:
            connection = self._connect(seconds)
            try:
                connection.request("GET", self._prefix + path, headers=headers)
                response = connection.getresponse()
                document = json.loads(response.read(MAX_RESPONSE))
            finally:
                connection.close()
        except (http.client.HTTPException, OSError, ValueError):
            return None
        return document if response.status == 200 and isinstance(document, dict) else None

    def after_fork(self) -> None:
        """Leave the connection to the parent process.

        A thread of the parent may have been reading from it. Its buffer is locked for ever then:
        to close or to finalize it would never return. So only the file is closed.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            _of_parents.append(connection)
            if connection.sock is not None:
                os.close(connection.sock.detach())

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Response:
        deadline = time.monotonic() + RESPONSE_SECONDS
        connection = self._connection or self._connect(CONNECT_SECONDS)
        self._connection = connection
        if connection.sock is not None:
            connection.sock.settimeout(RESPONSE_SECONDS)
        connection.request(method, self._prefix + path, body, headers)
        response = connection.getresponse()
        content = bytearray()
        while part := response.read(65536):
            content += part
            if len(content) > MAX_RESPONSE or time.monotonic() > deadline:
                raise OSError("the response does not end")
        if response.length:  # of the body, what has not come
            raise http.client.IncompleteRead(bytes(content), response.length)
        if response.will_close:
            self.close()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, fields, bytes(content))

    def _connect(self, seconds: float) -> http.client.HTTPConnection:
        if not self._host:
            raise OSError("the URL of the service must begin with http:// or https://")
        connection: http.client.HTTPConnection
        if self._secure:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=seconds, context=context
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=seconds)
        connection.connect()
        return connection

    def _headers(self, content_type: str) -> dict[str, str]:
        headers = {
            "Content-Type": content_type,
            "Accept": "application/json",
            "User-Agent": self._user_agent,
        }
        token = self._token() if callable(self._token) else self._token
        if token is None:
            token = os.environ.get("TELEMETRY_API_AUTH_TOKEN")
        # Anything else could not be a header, and would be a part of an error message.
        self.has_token = bool(token and _TOKEN.fullmatch(token.strip()))
        if token and self.has_token:
            headers["Authorization"] = f"Bearer {token.strip()}"
        return headers


def retry_after(response: Response) -> float | None:
    """Return the seconds of the header Retry-After; None without a valid one."""
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,6}", value):
        return float(value)
    until = _moment(value)
    if until is None:
        return None
    now = _moment(response.headers.get("date", ""))  # the clock that the other time is of
    return max(0.0, until - (time.time() if now is None else now))


def _moment(value: str) -> float | None:
    """Return a time of a header in seconds since 1970; None when it is not one."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
