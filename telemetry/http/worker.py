"""The gunicorn worker of this service: gevent's, with JSON refusals and shorter ways through.

gunicorn offers ``worker_class`` to change how a worker serves, and this module only overrides
methods of gunicorn's classes. Gains are given in percent of the worker's CPU for a single
create, each measured by taking that part out.

It imports neither Flask nor the driver: gunicorn loads it in its master process, before gevent
patches the standard library in the workers.
"""

from copy import copy
from functools import lru_cache, partial
from math import inf
from operator import attrgetter
from time import monotonic, time
from types import FrameType
from typing import Any

from gevent import GreenletExit
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException
from gunicorn.workers.ggevent import GeventWorker

from telemetry.http.server_refusals import COUNTED, Refusal
from telemetry.http.wire import Connection, Refused, Request
from telemetry.time_limits import SILENCE_SECONDS

# With fewer connections than these left, a new one ends the one that has been silent longest.
SPARE_CONNECTIONS = 50

# For the request of a connection that was accepted when the worker had to stop.
LATE_SECONDS = 1.0

# How much of a body that nobody wants is read.
MOST_UNWANTED_BYTES = 64 * 1024 * 1024

IPV4_MAPPED = "::ffff:"


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """Serves many connections at once, each in a greenlet."""

    cfg: Any
    _stopping: Event | None = None

    def init_process(self) -> None:
        """Start the worker with a copy of the settings that has plain attributes.

        gunicorn computes each of some twenty settings again for each request. Gain: 9.6 %.
        """
        self.cfg = copy(self.cfg)
        vars(self.cfg).update({name: it.get() for name, it in self.cfg.settings.items()})
        self._open: set[Connection] = set()
        super().init_process()

    def run(self) -> None:
        """Serve until the worker has to stop, then finish the requests in flight."""
        self._stopping = stopping = Event()
        self._pool = Pool(self.worker_connections)
        servers = [
            StreamServer(sock, partial(self.handle, sock), spawn=self._pool)
            for sock in self.sockets
        ]
        for server in servers:
            if self.cfg.workers > 1:
                server.max_accept = 1  # leave some connections to the other workers
            server.start()
        while self.alive:
            self.notify()
            stopping.wait(1.0)
        for server in servers:
            server.close()
        self._end_idle()
        deadline = monotonic() + self.cfg.graceful_timeout
        while not self._pool.join(timeout=1.0):
            self.notify()
            if monotonic() > deadline:
                self.log.warning("Worker graceful timeout (pid:%s)", self.pid)
                self._pool.kill(timeout=1.0)
                break

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at once instead of at the next turn of the main loop."""
        super().handle_exit(sig, frame)
        if self._stopping:
            self._stopping.set()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve the requests of one connection."""
        connection = Connection(client)
        addr = _plain(addr)
        name = listener.getsockname()
        self._open.add(connection)
        if len(self._open) > self.worker_connections - SPARE_CONNECTIONS:
            self._end_quietest()
        try:
            number = 0
            while self.alive or connection.is_buffered or number == 0:
                number += 1
                connection.await_request(self.cfg.keepalive if self.alive else LATE_SECONDS)
                request = Request(self.cfg, connection, addr, number)
                self.handle_request(name, request, client, addr)
                if not _read_rest(request.body):
                    break
        except (StopIteration, OSError):
            pass  # one side closes the connection
        except Exception as error:
            self.handle_error(None, client, addr, error)
        finally:
            self._open.discard(connection)
            util.close(client)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Serve one request. Raises StopIteration when its connection has to be closed.

        Shorter than gunicorn's: without its access log, which composes a line before it asks
        whether anyone wants it, and without its hooks around a request. Gain: 20 %.
        """
        response, environ = wsgi.create(
            req, sock, addr, listener_name, self.cfg, response_class=Response
        )
        environ["wsgi.multithread"] = True
        self.nr += 1
        if self.nr >= self.max_requests:
            self.alive = False
        try:
            self._respond(environ, response)
        except (GreenletExit, SystemExit):
            raise StopIteration from None
        except OSError:
            raise  # the client is gone
        except Exception:
            if not response.headers_sent:
                raise
            self.log.exception("The response to %s %s broke off", req.method, req.path)
            raise StopIteration from None
        if response.should_close():
            _read_rest(req.body)
            raise StopIteration

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Respond with JSON to what gunicorn refuses, or what the application did not catch."""
        refusal = Refusal.of(exc)
        ip = addr[0] if addr else "a Unix socket"
        extra = {"request_id": refusal.request_id, "status": refusal.status, "client": ip}
        COUNTED.at(str(refusal.status)).add()
        if refusal.status != 500:
            self.log.warning("Refused a request from %s: %s", ip, refusal.detail, extra=extra)
        elif isinstance(exc, Refused):  # the message of the cause may quote the request
            kind = type(exc.cause).__name__
            self.log.error("A request from %s could not be read: %s", ip, kind, extra=extra)
        else:
            message = "The request failed outside of the application"
            self.log.error(message, exc_info=exc, extra=extra)
        try:
            util.write_nonblock(client, refusal.response())
        except OSError:
            self.log.debug("The client did not wait for the error")

    def _end_idle(self) -> None:
        """End the connections without a request, so that the worker need not wait for them."""
        for connection in self._open:
            if connection.is_idle:
                connection.end()

    def _end_quietest(self) -> None:
        """End the connection whose client has been silent longest, to have room for another.

        So clients that send nothing keep out nobody, however many they are.
        """
        quietest = min(self._open, key=attrgetter("waiting_since"))
        if quietest.waiting_since < inf:
            quietest.end()

    def _respond(self, environ: dict[str, Any], response: "Response") -> None:
        body = self.wsgi(environ, response.start_response)
        # After a failure, where the next request starts is unknown.
        if not self.alive or environ["wsgi.input"].failed:
            response.force_close()
        try:
            for piece in body:
                response.write(piece)
            response.close()
        finally:
            if hasattr(body, "close"):
                body.close()


class Response(wsgi.Response):  # type: ignore[misc]  # gunicorn has no types
    """Sends the head and a whole body together: one system call, one packet. Gain: 3.6 %."""

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
        _send(self.sock, head.encode("latin-1") + b"\r\n" + arg)

    def default_headers(self) -> list[str]:
        """Return the lines that every head begins with.

        gunicorn's own formats the date for each response, and knows websockets. Gain: 4.4 %.
        """
        version = "{}.{}".format(*self.req.version)
        connection = "close" if self.should_close() else "keep-alive"
        return [
            f"HTTP/{version} {self.status}\r\n",
            f"Server: {self.version}\r\n",
            f"Date: {_date(int(time()))}\r\n",
            f"Connection: {connection}\r\n",
            *(["Transfer-Encoding: chunked\r\n"] if self.chunked else []),
        ]


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return str(util.http_date(second))


def _plain(addr: Any) -> Any:
    """Return the address of a client; an IPv4 client of an IPv6 socket has its IPv4 address."""
    if isinstance(addr, tuple):
        return addr[0].removeprefix(IPV4_MAPPED) if "." in addr[0] else addr[0], addr[1]
    return addr


def _read_rest(body: Any) -> bool:
    """Read the rest of a body that nobody wants; return whether it ended in time.

    Closed with unread bytes, a connection would be reset, and its client would lose the response.
    """
    deadline = monotonic() + SILENCE_SECONDS
    size = 0
    try:
        while data := body.read(1024):
            size += len(data)
            if size > MOST_UNWANTED_BYTES or monotonic() > deadline:
                return False
    except ParseException:
        return False
    return True


def _send(sock: Any, data: bytes) -> None:
    """Send all of the data. Raises TimeoutError when the client takes nothing for too long."""
    view = memoryview(data)
    while view:
        view = view[sock.send(view) :]
