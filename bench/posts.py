"""Batches over HTTP: a process a client, each with one connection.

Called by ``loads``: python -m bench.posts TEMPLATE URL PREFIX CLIENTS RECORDS SECONDS, with
TEMPLATE one of record.TEMPLATES. It fills the templates as the clients of PostgreSQL's limits do,
ten times as fast as Lua in wrk.
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
    """A connection that is kept, and knows as much of HTTP as the services here speak."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._path = parts.netloc, parts.path
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self._answers = self._socket.makefile("rb")

    def post(self, body: bytes) -> None:
        """Post and read the whole answer. Raises RuntimeError unless it says success."""
        head = HEAD.format(path=self._path, host=self._host, length=len(body))
        self._socket.sendall(head.encode() + body)
        status = self._answers.readline()
        length = 0
        while (line := self._answers.readline().lower()) not in (b"\r\n", b""):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        answer = self._answers.read(length)
        if status.split()[1:2] not in ([b"200"], [b"201"]):
            raise RuntimeError(f"{status!r} {answer[:500]!r}")


def post(url: str, template: str, prefix: str, records: int, client: int) -> Callable[[], None]:
    """Return a function that posts a batch of that many new records."""
    connection = Connection(url)
    # The devices of two clients meet now and then.
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
    """Run the clients that the arguments ask for."""
    template, url, prefix, *numbers = sys.argv[1:]
    number_of_clients, records, seconds = map(int, numbers)
    clients.in_processes(
        lambda client: post(url, template, prefix, records, client), number_of_clients, seconds
    )


if __name__ == "__main__":
    main()
