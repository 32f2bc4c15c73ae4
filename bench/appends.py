"""Appends in process by the library eventsourcing, which the ledger is compared with.

``loads`` runs it: python -m bench.appends plain|functions URL PREFIX THREADS EVENTS SECONDS.
With ``functions`` the library appends through its database functions. It writes to a hundred
aggregates, as the ledger has a hundred devices; a state is the JSON of the ledger's events.
"""

import sys
from collections.abc import Callable
from itertools import count
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from bench import clients, record


def recorder(url: str, threads: int, *, functions: bool) -> PostgresApplicationRecorder:
    """Return the library's recorder for a database; creates its table if it is missing."""
    parts = conninfo_to_dict(url)
    datastore = PostgresDatastore(
        dbname=str(parts["dbname"]),
        host=str(parts["host"]),
        port="5432",
        user=str(parts["user"]),
        password="",
        pool_size=threads,
        enable_db_functions=functions,
    )
    made = PostgresApplicationRecorder(datastore)
    made.create_table()
    return made


def append(
    to: PostgresApplicationRecorder, prefix: str, events: int, threads: int, thread: int
) -> Callable[[], None]:
    """Return a function that appends ``events`` events; no two threads share an aggregate."""
    share = record.DEVICES // threads
    aggregates = [uuid5(NAMESPACE_URL, f"{prefix}/{thread}/{n}") for n in range(share)]
    templates = [record.Template(record.text(one), f"{prefix}-{thread}") for one in record.LEDGER]
    numbers = count()

    def event(aggregate: UUID, number: int) -> StoredEvent:
        state = templates[number % len(templates)].fill(number)
        return StoredEvent(aggregate, number + 1, "bench:Observed", state)

    def once() -> None:
        batch = [next(numbers) for _ in range(events)]
        aggregate = aggregates[batch[0] // events % share]
        to.insert_events([event(aggregate, number) for number in batch])

    return once


def main() -> None:
    """Run as many threads as the arguments ask for."""
    kind, url, prefix, *numbers = sys.argv[1:]
    threads, events, seconds = map(int, numbers)
    to = recorder(url, threads, functions=kind == "functions")
    clients.in_threads(lambda thread: append(to, prefix, events, threads, thread), threads, seconds)
    to.datastore.close()


if __name__ == "__main__":
    main()
