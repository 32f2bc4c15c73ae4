"""PostgreSQL's own limits for batches of runs: COPY, and INSERT from a JSON recordset.

``loads`` runs it: python -m bench.limits copy|recordset URL PREFIX CLIENTS RECORDS SECONDS.
"""

import sys
from collections.abc import Callable

import psycopg
from psycopg.types.json import Json

from bench import clients, record, statements


def copy(url: str, prefix: str, records: int) -> Callable[[], None]:
    """Return a function that copies that many new runs in one transaction."""
    connection = psycopg.connect(url, autocommit=True)
    template = record.Template(statements.copy_line(), prefix)
    numbers = iter(range(sys.maxsize))

    def once() -> None:
        rows = b"".join(template.fill(next(numbers)) for _ in range(records))
        with connection.cursor().copy(statements.COPY) as stream:
            stream.write(rows)

    return once


def recordset(url: str, prefix: str, records: int) -> Callable[[], None]:
    """Return a function that inserts that many new runs from one JSON parameter."""
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
    template = record.Template(record.text(record.RUN), prefix)
    numbers = iter(range(sys.maxsize))

    def once() -> None:
        rows = b",".join(template.fill(next(numbers)) for _ in range(records))
        connection.execute(statements.RECORDSET, (Json(b"[%b]" % rows, dumps=bytes),))

    return once


def main() -> None:
    """Run as many clients as the arguments ask for."""
    kind, url, prefix, *numbers = sys.argv[1:]
    make = {"copy": copy, "recordset": recordset}[kind]
    number_of_clients, records, seconds = map(int, numbers)
    clients.in_processes(
        lambda number: make(url, f"{prefix}-{number}", records), number_of_clients, seconds
    )


if __name__ == "__main__":
    main()
