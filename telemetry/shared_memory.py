"""Numbers in memory that all worker processes share, so that a scrape finds those of all.

gunicorn's master allocates the memory before it forks the workers, and gives each worker a slot.
A worker adds to its own slot alone, without a lock: its greenlets do not interrupt each other in
the middle of an addition. A worker that replaces another goes on in the same slot, so counters
never fall. A reload allocates new memory, because the code that reads it may be new.

Without gunicorn there is one slot. What a create counts takes 2 us, 0.5 % of its CPU. In the
multiprocess mode of prometheus_client, which locks, packs and writes each number and keeps a file
of every worker that has ended, it would take six times as much.

It imports only the standard library, because gunicorn imports it before it forks.
"""

from collections.abc import Container
from mmap import mmap
from operator import add

# Numbers in a slot: more than telemetry/counters.py declares. Pages never touched take no memory.
SLOT_NUMBERS = 65_536
_SLOT_BYTES = 8 * SLOT_NUMBERS

# The first number of a slot says whether a process has used it.
FIRST_FREE = 1

values = memoryview(bytearray(_SLOT_BYTES)).cast("d")
"""The numbers of this process."""

values[0] = 1.0
_slots = [values]


def allocate(slots: int) -> None:
    """Allocate the memory of that many workers. For gunicorn's master."""
    whole = memoryview(mmap(-1, slots * _SLOT_BYTES)).cast("d")
    _slots[:] = [
        whole[start : start + SLOT_NUMBERS] for start in range(0, len(whole), SLOT_NUMBERS)
    ]


def free_slot(taken: Container[int]) -> int:
    """Return a slot that is not taken; the last one when all are."""
    return next((slot for slot in range(len(_slots)) if slot not in taken), len(_slots) - 1)


def use(slot: int) -> None:
    """Make the slot that of this process."""
    global values  # noqa: PLW0603 - the module is the object
    values = _slots[slot]
    values[0] = 1.0


def totals(count: int) -> list[float]:
    """Return the first numbers, each added up over all processes."""
    summed = [0.0] * count
    for slot in _slots:
        if slot[0]:
            summed = [*map(add, summed, slot[:count])]
    return summed
