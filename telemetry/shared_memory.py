"""Numbers in memory that all worker processes share, so that a scrape finds those of all.

gunicorn's master allocates the memory before it forks the workers, and gives each worker a slot.
A worker adds to its own slot alone, without a lock: its greenlets do not interrupt each other in
the middle of an addition. A worker that replaces another goes on in the same slot, so counters
never fall. After a reload the old workers count until their last request has ended, and the new
ones count on. Workers of another release may lay out their numbers in another way: each slot has
the mark of its layout, and a scrape adds up the slots that have its own.

Without gunicorn there is one slot. What a create counts takes 2 us, 0.5 % of its CPU. In the
multiprocess mode of prometheus_client, which locks, packs and writes each number and keeps a file
of every worker that has ended, it would take six times as much.

It imports only the standard library, because gunicorn imports it before it forks.
"""

from array import array
from collections.abc import Container, Iterable
from hashlib import sha256
from mmap import mmap
from operator import add

# Numbers in a slot: more than all series need. Pages never touched take no memory.
SLOT_NUMBERS = 65_536
_SLOT_BYTES = 8 * SLOT_NUMBERS

# The first number of a slot is the mark of its layout; 0: no process has used it.
FIRST_FREE = 1

values = memoryview(bytearray(_SLOT_BYTES)).cast("d")
"""The numbers of this process."""

_slots = [values]


def allocate(slots: int) -> None:
    """Allocate the memory of that many workers, unless it exists. For gunicorn's master."""
    if len(_slots) >= slots:
        return
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


def begin(layout: str, kept: Iterable[slice]) -> None:
    """Begin to count in this layout; what another one has left in the slot is lost.

    ``kept`` are the numbers that this process has set before.
    """
    mark = float(1 + int.from_bytes(sha256(layout.encode()).digest()[:6]))
    if values[0] != mark:
        before = [(place, values[place].tolist()) for place in kept]
        _clear(values, slice(0, SLOT_NUMBERS))
        for place, numbers in before:
            values[place] = array("d", numbers)
        values[0] = mark


def clear(slot: int, numbers: slice) -> None:
    """Set some numbers of a slot to 0."""
    _clear(_slots[slot], numbers)


def _clear(slot: "memoryview[float]", numbers: slice) -> None:
    slot[numbers] = array("d", bytes(8 * (numbers.stop - numbers.start)))


def totals(count: int) -> list[float]:
    """Return the first numbers, each added up over all processes that have the same layout."""
    summed = [0.0] * count
    for slot in _slots:
        if slot[0] == values[0]:
            summed = [*map(add, summed, slot[:count])]
    return summed
