"""Writing the rows that the proof checks to a file, for an auditor without the database."""

from collections.abc import Callable
from pathlib import Path

from telemetry.audio_runtime.check import snapshot, use_snapshots
from telemetry.audio_runtime.checkers import Connect
from telemetry.audio_runtime.complete_file import complete
from telemetry.audio_runtime.devices import Scope, by_tenant, fetch_on, name_of, pages
from telemetry.audio_runtime.proof.export import device_line, last_line, link_line
from telemetry.audio_runtime.rows import read_rows
from telemetry.audio_runtime.verify import PAGE, NothingToVerify


def export(
    connect: Connect, scope: Scope, path: Path, say: Callable[[str], None] = lambda _: None
) -> int:
    """Write the rows of the devices in the scope to a file; return how many devices there are.

    The file is written completely or not at all. Each page of devices is one snapshot. ``say`` is
    called with the progress. Raises psycopg.Error, OSError, ValueError for rows that come in a
    wrong order, and NothingToVerify for a scope that names nothing.
    """
    count = 0
    with connect() as listing, connect() as reading, complete(path) as file:
        use_snapshots(reading)

        for page in pages(fetch_on(listing), scope, PAGE):
            wanted = [
                dict(zip(("tenant_id", "device_id"), name_of(it), strict=True)) for it in page
            ]
            with snapshot(reading):
                for tenant_id, devices in by_tenant(reading, wanted):
                    for rows in read_rows(reading, devices, tenant_id):
                        file.write(device_line(rows.device))
                        file.writelines(map(link_line, rows.links))
            count += len(page)
            say(f"{count:,} devices written")
        if not count and scope != Scope():
            raise NothingToVerify(f"there is no {scope}")
        file.write(last_line(count))
    return count
