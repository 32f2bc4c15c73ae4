"""A proxy in front of PostgreSQL that counts how often a client waits for the server."""

import socket
import threading
from contextlib import suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

SYNC, FLUSH, QUERY, COPY_DONE = b"S", b"H", b"Q", b"c"


class Wire:
    """Forwards TCP connections to a server on a Unix socket; connect to its ``url``.

    A client waits after Sync, Flush, Query and CopyDone, but only once when several follow each
    other without a new message in between:
    https://www.postgresql.org/docs/current/protocol-message-formats.html
    """

    def __init__(self, url):
        target = conninfo_to_dict(url)
        self._server = f"{target['host']}/.s.PGSQL.{target.get('port', 5432)}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = make_conninfo(url, host="127.0.0.1", port=str(port), sslmode="disable")
        self.round_trips = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                for run in ((self._up, client, server), (self._down, server, client)):
                    threading.Thread(target=run[0], args=run[1:], daemon=True).start()

    def _up(self, client, server):
        """Forward the client's messages. The first has no type byte, all others have one."""
        with suppress(OSError, EOFError), client.makefile("rb") as sent, server:
            server.sendall(self._message(sent, b""))
            asks = False
            while True:
                kind = self._read(sent, 1)
                waits = kind in (QUERY, COPY_DONE) or (asks and kind in (SYNC, FLUSH))
                self.round_trips += waits
                asks = not waits and (asks or kind not in (SYNC, FLUSH))
                server.sendall(self._message(sent, kind))

    def _down(self, server, client):
        with suppress(OSError), client:
            while data := server.recv(65536):
                client.sendall(data)

    def _message(self, sent, kind):
        length = self._read(sent, 4)
        return kind + length + self._read(sent, int.from_bytes(length) - 4)

    @staticmethod
    def _read(sent, size):
        data = sent.read(size)
        if len(data) < size:
            raise EOFError
        return data
