"""Batches of ledger events of several tenants, over HTTP: one process per client.

``loads`` runs it: python -m bench.scale_out_posts one|several URL PREFIX CLIENTS RECORDS SECONDS.
With ``one`` a batch has events of one tenant, and the tenants take turns. With ``several`` the
events of all tenants take turns within a batch.
"""

import sys
from collections.abc import Callable
from itertools import chain, count
from pathlib import Path

from bench import clients, record
from bench.posts import Connection

TENANTS = tuple(f"bench-{number}" for number in range(8))


def device(tenant: str, number: int | str) -> str:
    """Return the id of a device; no two tenants share one."""
    name = number if isinstance(number, str) else f"{number:03}"
    return f"{tenant}-device-{name}"


def templates(tenant: str) -> list[str]:
    """Return one template per event kind, for the devices of this tenant."""
    mine = {"tenant_id": tenant, "device_id": device(tenant, "@DEVICE@")}
    return [record.text({**one, **mine}) for one in record.LEDGER]


def in_turn() -> list[str]:
    """Return the templates of all tenants, so that neighbours differ in the tenant."""
    return list(chain.from_iterable(zip(*map(templates, TENANTS), strict=True)))


def write_templates(folder: Path) -> None:
    """Write the templates for wrk: those of one tenant, and those of all."""
    for name, lines in (("ledger_one", templates(TENANTS[0])), ("ledger_several", in_turn())):
        (folder / name).write_text("".join(f"{line}\n" for line in lines))


def post(url: str, kind: str, prefix: str, records: int, client: int) -> Callable[[], None]:
    """Return a function that posts a batch of that many new events."""
    connection = Connection(url)
    sets = [templates(tenant) for tenant in TENANTS] if kind == "one" else [in_turn()]
    makers = [[record.Template(one, f"{prefix}-{client}") for one in texts] for texts in sets]
    numbers, batches = count(), count(client)

    def once() -> None:
        of_batch = makers[next(batches) % len(makers)]
        filled = (
            of_batch[n % len(of_batch)].fill(n) for n in (next(numbers) for _ in range(records))
        )
        connection.post(b"[%b]" % b",".join(filled))

    return once


def main() -> None:
    """Run as many clients as the arguments ask for."""
    kind, url, prefix, *numbers = sys.argv[1:]
    number_of_clients, records, seconds = map(int, numbers)
    clients.in_processes(
        lambda client: post(url, kind, prefix, records, client), number_of_clients, seconds
    )


if __name__ == "__main__":
    main()
