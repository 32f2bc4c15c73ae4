"""What gunicorn has no setting for: the shape of its refusals, and what each answer costs."""

import json
import re
import uuid
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_network
from time import time
from typing import Any

from gunicorn import glogging, util
from gunicorn.config import Config
from gunicorn.http import message, wsgi

# At the most 8 MB a worker, when somebody sends as many of the longest, 8 KB.
REMEMBERED_PATHS = 256

# Quoted behind it is a header's name, or a line that may be anything, such as a token.
_NO_NAME = re.compile(r"(Invalid HTTP [Hh]eader(?: name)?): (?!'[A-Z-]+'\Z).*", re.DOTALL)

_date_of_second = lru_cache(maxsize=2)(util.http_date)
_is_in_allow_list = message._ip_in_allow_list
_base_environ = lru_cache(maxsize=2)(wsgi.base_environ)
_split_request_uri = lru_cache(REMEMBERED_PATHS)(util.split_request_uri)
_unquote_to_wsgi_str = lru_cache(REMEMBERED_PATHS)(util.unquote_to_wsgi_str)


def patch_gunicorn() -> None:
    """Put this module's functions and classes in the place of gunicorn's; again at a reload."""
    util.write_error = write_error
    util.http_date = http_date
    wsgi.Response = Response
    wsgi.base_environ = base_environ
    message._ip_in_allow_list = is_in_allow_list
    message.split_request_uri = _split_request_uri
    util.unquote_to_wsgi_str = _unquote_to_wsgi_str


def freeze_settings(config: Config) -> None:
    """Make each of gunicorn's settings a plain attribute of ``config``.

    Twenty are looked up for each request, and each took an AttributeError and two calls.
    """
    vars(config).update({name: setting.get() for name, setting in config.settings.items()})


def write_error(sock: Any, status: int, reason: str, message: str) -> None:
    """Answer on a raw socket, in the error shape of everywhere; gunicorn's own answers HTML."""
    body = json.dumps({"detail": without_value(message) or reason})
    head = (
        f"HTTP/1.1 {status} {reason}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-ID: {uuid.uuid4().hex}\r\n"
        "\r\n"
    )
    util.write_nonblock(sock, (head + body).encode("ascii"))


def without_value(text: str) -> str:
    """Leave out what gunicorn quotes of a header that is not plainly its name."""
    return _NO_NAME.sub(r"\1", text)


def http_date() -> str:
    """Return the time of an answer; it changes once a second."""
    return str(_date_of_second(int(time())))


def base_environ(config: Config) -> dict[str, Any]:
    """Return what every environ has; gunicorn would make a stream of errors for each."""
    return dict(_base_environ(config))


def is_in_allow_list(ip: str, allowed: Iterable[str], _: object) -> bool:
    """Tell whether gunicorn trusts a peer; it would parse the address for each request anew."""
    return _is_trusted(ip, tuple(allowed))


@lru_cache(maxsize=1024)
def _is_trusted(ip: str, allowed: tuple[str, ...]) -> bool:
    networks = [ip_network(each) for each in allowed if each != "*"]
    return bool(_is_in_allow_list(ip, allowed, networks))


class Response(wsgi.Response):  # type: ignore[misc]  # gunicorn has no types
    """Sends head and body at once where it can: one call of the system, one packet."""

    headers_sent: bool

    def write(self, arg: bytes) -> None:
        """Send a piece of the body, behind the head when that has not been sent."""
        whole = not self.headers_sent and not self._omits_body and not self.chunked
        if not (whole and isinstance(arg, bytes) and len(arg) == self.response_length):
            super().write(arg)
            return
        head = "".join([*self.default_headers(), *(f"{k}: {v}\r\n" for k, v in self.headers)])
        self.headers_sent = True
        self.sent = len(arg)
        util.write(self.sock, head.encode("latin-1") + b"\r\n" + arg)


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """No access log, whose lines are put together before they are thrown away; no secrets."""

    def access(self, *_: Any) -> None:
        """Do nothing: each request writes a line of its own."""

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log a warning, such as that of a request that is no HTTP."""
        super().warning(without_value(msg), *args, **kwargs)
