"""Changes whose locks requests queue for: each waits for them for a moment, and is tried again."""

from collections.abc import Callable
from random import uniform
from time import monotonic, sleep

from telemetry.database.errors import LOCK_COLLISIONS

# Requests queue behind a change that waits for its lock, so it gives up soon and tries again.
LOCK_TIMEOUT = "200ms"
PAUSE_SECONDS = 0.5
LOCK_SECONDS = 300.0


def until_locked(change: Callable[[], None], on_wait: Callable[[], None] | None = None) -> None:
    """Run a change in its transaction, again with pauses until it has its locks.

    ``on_wait`` is called once, before the first pause. Raises what the change raises; one of
    LOCK_COLLISIONS LOCK_SECONDS after the first of them.
    """
    deadline: float | None = None
    while True:
        try:
            return change()
        except LOCK_COLLISIONS:
            if deadline is None:
                deadline = monotonic() + LOCK_SECONDS
                if on_wait:
                    on_wait()
            if monotonic() > deadline:
                raise
        sleep(PAUSE_SECONDS * uniform(0.5, 1.5))
