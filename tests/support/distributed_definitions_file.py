"""``sql/scale_out/definitions.txt``: what distribution changes of the definitions.

``python -m tests.support.distributed_definitions_file`` writes it, and needs ``CITUS_PGBIN``.
"""

from telemetry.database.unlimited import connect_without_time_limit
from telemetry.health.definitions import DISTRIBUTED_FILE, FILE, hashes_of, read_hashes
from tests.support.citus import distributed

HEADER = """\
# The hashes of the definitions that differ where the ledger is distributed; an object without one
# does not exist there. Generated: CONTRIBUTING.md says how. Do not edit it.
"""


def generate(url: str) -> str:
    """Return the text of the file, from a database that is distributed."""
    with connect_without_time_limit(url) as connection:
        found = hashes_of(connection)
    expected = read_hashes(FILE)
    lines = [[*name, *found[name]] for name in found if name[0] == "placement"]
    lines += [
        [*name, *sorted(found[name])]
        for name, hashes in expected.items()
        if not found.get(name) or not found[name] <= hashes
    ]
    return HEADER + "".join(sorted("\t".join(line) + "\n" for line in lines))


def write() -> None:
    """Write the file, from a cluster that lives as long as this takes."""
    with distributed() as cluster:
        DISTRIBUTED_FILE.write_text(generate(cluster.url), encoding="utf-8")


if __name__ == "__main__":
    write()
