"""Appends by the library eventsourcing, in process: what the ledger is compared with.

Called by ``loads``: python -m bench.appends plain|functions URL PREFIX THREADS EVENTS SECONDS.
``functions`` has the library append by its database functions. A hundred aggregates, as the
ledger has a hundred devices; a state is the JSON of the ledger's events.
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
    """Return the library's recorder over a database, its table made when it is missing."""
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
    """Return a function that appends that many events; each thread has aggregates of its own."""
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
    """Run the threads that the arguments ask for."""
    kind, url, prefix, *numbers = sys.argv[1:]
    threads, events, seconds = map(int, numbers)
    to = recorder(url, threads, functions=kind == "functions")
    clients.in_threads(lambda thread: append(to, prefix, events, threads, thread), threads, seconds)
    to.datastore.close()


if __name__ == "__main__":
    main()
