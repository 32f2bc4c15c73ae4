"""A transaction pooler in front of PostgreSQL, as small as one can be.

A client gets a server connection for each transaction, mostly another one than before. The pooler
drops the options of its clients, or refuses a client that has some. It does not know about prepared
statements: each stays on the server connection that prepared it, for the next client to run.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import socket
import struct
import threading
from contextlib import suppress
from queue import SimpleQueue

from psycopg.conninfo import conninfo_to_dict

QUERY, SYNC, TERMINATE, READY, PARAMETER = b"Q", b"S", b"X", b"Z", b"S"
PROTOCOL, CANCEL = 196608, 80877102
ENCRYPTION = (80877103, 80877104)


class Pooler:
    """Connect to its ``url``."""

    def __init__(self, url, *, servers=2, refuses_options=False):
        self._target = conninfo_to_dict(url)
        self._refuses_options = refuses_options
        self._free = SimpleQueue()
        self._state = threading.Lock()
        self._parameters = b""
        self._sockets = []
        for _ in range(servers):
            self._free.put(_Server(self, self._connect()))
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = (
            f"postgresql://{self._target['user']}@127.0.0.1:{port}/{self._target['dbname']}"
            "?sslmode=disable&gssencmode=disable"
        )
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()
        for opened in self._sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _connect(self):
        """Open a server connection; return its socket once it is ready."""
        host, port = self._target["host"], self._target.get("port", 5432)
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
        else:
            server = socket.create_connection((host, port))
        self._sockets.append(server)
        settings = {
            "user": self._target["user"],
            "database": self._target["dbname"],
            "client_encoding": "UTF8",
        }
        texts = b"".join(f"{name}\0{value}\0".encode() for name, value in settings.items())
        server.sendall(struct.pack("!ii", len(texts) + 9, PROTOCOL) + texts + b"\0")
        parameters = b""
        while True:
            kind, message = _read(server)
            if kind == PARAMETER:
                parameters += message
            if kind == READY:
                self._parameters = parameters
                return server

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with suppress(OSError, EOFError), client:
            if not self._greet(client):
                return
            session = _Session(client)
            while True:
                kind, message = _read(client)
                if kind == TERMINATE:
                    return
                self._server_of(session, kind).socket.sendall(message)

    def _greet(self, client):
        """Respond to the first message of a client; return whether it may go on."""
        code, body = _read_first(client)
        while code in ENCRYPTION:
            client.sendall(b"N")
            code, body = _read_first(client)
        if code == CANCEL:
            return False
        if self._refuses_options and b"options" in body.split(b"\0")[::2]:
            fields = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
            client.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)
            return False
        authenticated = b"R" + struct.pack("!ii", 8, 0)
        key = b"K" + struct.pack("!iii", 12, 1, 1)
        client.sendall(authenticated + self._parameters + key + _ready(b"I"))
        return True

    def _server_of(self, session, kind):
        """Return the server connection of the session's transaction, or take a free one."""
        with self._state:
            server = session.server
            if server:
                server.note_sent(kind)
                return server
        server = self._free.get()
        with self._state:
            server.session, session.server = session, server
            server.note_sent(kind)
        return server

    def received(self, server, kind, message):
        """Pass a message of the server on; free the server at the end of the transaction."""
        client = server.session.client
        if kind == READY:
            with self._state:
                server.awaited -= 1
                if server.awaited == 0 and server.is_synced and message[-1:] == b"I":
                    server.session.server = server.session = None
                    self._free.put(server)
        with suppress(OSError):
            client.sendall(message)


class _Session:
    def __init__(self, client):
        self.client = client
        self.server = None


class _Server:
    def __init__(self, pooler, connected):
        self.socket = connected
        self.session = None
        self.awaited = 0  # responses to Sync or Query
        self.is_synced = True
        threading.Thread(target=self._run, args=(pooler,), daemon=True).start()

    def note_sent(self, kind):
        self.is_synced = kind in (SYNC, QUERY)
        self.awaited += self.is_synced

    def _run(self, pooler):
        with suppress(OSError, EOFError):
            while True:
                pooler.received(self, *_read(self.socket))


def _ready(status):
    return READY + struct.pack("!i", 5) + status


def _read(connected):
    """Return the kind of the next message, and the whole message."""
    kind = _exactly(connected, 1)
    length = _exactly(connected, 4)
    return kind, kind + length + _exactly(connected, int.from_bytes(length) - 4)


def _read_first(client):
    """Return the code of a message that has no kind, and the rest of it."""
    body = _exactly(client, int.from_bytes(_exactly(client, 4)) - 4)
    return int.from_bytes(body[:4]), body[4:]


def _exactly(connected, size):
    data = b""
    while len(data) < size:
        if not (more := connected.recv(size - len(data))):
            raise EOFError
        data += more
    return data
