"""A service whose responses a test chooses, and that keeps what it was sent."""

import gzip
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Request(NamedTuple):
    """A request, with its body decoded."""

    method: str
    path: str
    headers: dict[str, str]
    records: list[Any]


class Reply(NamedTuple):
    """A response. ``status`` 0 closes the connection without one."""

    status: int
    body: Any = b""
    headers: tuple[tuple[str, str], ...] = ()


def stored(request: Request) -> Reply:
    """Respond as the service does when everything is new."""
    if request.path.endswith("/batch"):
        return Reply(200, {"inserted": len(request.records), "errors": [], "total": 0})
    return Reply(200, {"updated": True})


class Stub:
    """Gives the replies in turn, then stores everything."""

    def __init__(self, *replies: Reply | Callable[[Request], Reply]) -> None:
        self._replies = [*replies]
        self.requests: list[Request] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stub.respond(self, body)

            do_GET = do_POST = do_PATCH = _respond  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def respond(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Take a request and send the next reply."""
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        records = [json.loads(line) for line in body.splitlines()]
        request = Request(handler.command, handler.path, headers, records)
        self.requests.append(request)
        reply = self._replies.pop(0) if self._replies else stored
        status, content, fields = reply if isinstance(reply, Reply) else reply(request)
        if not status:
            handler.close_connection = True
            return
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(status)
        for name, value in (*fields, ("Content-Length", str(len(data)))):
            handler.send_header(name, value)
        handler.end_headers()
        with suppress(OSError):
            handler.wfile.write(data)

    def __enter__(self) -> "Stub":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
