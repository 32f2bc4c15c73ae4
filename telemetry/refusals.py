"""What gunicorn refuses before the application sees it: the same error shape as everywhere."""

import json
import uuid
from typing import Any

from gunicorn import util


def write_error(sock: Any, status: int, reason: str, message: str) -> None:
    """Answer on a raw socket; takes the place of gunicorn's function, which answers HTML."""
    body = json.dumps({"detail": message or reason})
    head = (
        f"HTTP/1.1 {status} {reason}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-ID: {uuid.uuid4().hex}\r\n"
        "\r\n"
    )
    util.write_nonblock(sock, (head + body).encode("ascii"))
