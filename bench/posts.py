"""Batches over HTTP: one process per client, each with one connection.

``loads`` runs it: python -m bench.posts TEMPLATE URL PREFIX CLIENTS RECORDS SECONDS, where TEMPLATE
is one of record.TEMPLATES. It fills the templates with the same code as the clients of PostgreSQL's
limits, ten times as fast as Lua in wrk.
"""

import socket
import sys
from collections.abc import Callable
from itertools import count
from urllib.parse import urlsplit

from bench import clients, record

HEAD = (
    "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    "Content-Length: {length}\r\n\r\n"
)


class Connection:
    """A persistent connection that implements only the HTTP that these services use."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._path = parts.netloc, parts.path
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self._responses = self._socket.makefile("rb")

    def post(self, body: bytes) -> None:
        """Post and read the whole response. Raises RuntimeError unless the status is 200 or 201."""
        head = HEAD.format(path=self._path, host=self._host, length=len(body))
        self._socket.sendall(head.encode() + body)
        status = self._responses.readline()
        length = 0
        while (line := self._responses.readline().lower()) not in (b"\r\n", b""):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        response = self._responses.read(length)
        if status.split()[1:2] not in ([b"200"], [b"201"]):
            raise RuntimeError(f"{status!r} {response[:500]!r}")


def post(url: str, template: str, prefix: str, records: int, client: int) -> Callable[[], None]:
    """Return a function that posts a batch of that many new records."""
    connection = Connection(url)
    # Clients start at different devices, so that only some of their batches share devices.
    templates = [
        record.Template(one, f"{prefix}-{client}", device=client * 25)
        for one in record.TEMPLATES[template]
    ]
    numbers = count()

    def filled() -> bytes:
        number = next(numbers)
        return templates[number % len(templates)].fill(number)

    return lambda: connection.post(b"[%b]" % b",".join(filled() for _ in range(records)))


def main() -> None:
    """Run as many clients as the arguments ask for."""
    template, url, prefix, *numbers = sys.argv[1:]
    number_of_clients, records, seconds = map(int, numbers)
    clients.in_processes(
        lambda client: post(url, template, prefix, records, client), number_of_clients, seconds
    )


if __name__ == "__main__":
    main()
