"""Running a check within its deadline, whatever it waits for."""

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread

from telemetry.database.errors import cause_of
from telemetry.doctor.finding import Finding, problem, unchecked
from telemetry.time_limits import ending_within

# What a check may take. The waits for a database end then. The resolver of host names and a disk
# that hangs have no such limit: a little later the check goes on without an end, in its thread.
CHECK_SECONDS = 8.0
GRACE_SECONDS = 2.0

Check = Callable[[], Iterator[Finding]]


def run_bounded(name: str, check: Check, seconds: float = CHECK_SECONDS) -> list[Finding]:
    """Return the findings of the check; a problem named ``name`` when it takes too long."""
    done: SimpleQueue[list[Finding]] = SimpleQueue()

    def run() -> None:
        found: list[Finding] = []
        try:
            with ending_within(seconds):
                for finding in check():
                    found.append(finding)
        except Exception as error:
            why = f"the check itself failed: {type(error).__name__}: {cause_of(error)}"
            found.append(unchecked(name, why, "report this as an error of the doctor"))
        done.put(found)

    Thread(target=run, name=f"doctor {name}", daemon=True).start()
    try:
        return done.get(timeout=seconds + GRACE_SECONDS)
    except Empty:
        says = f"no response within {seconds + GRACE_SECONDS:.0f} s"
        return [problem(name, says, "find out what hangs: the network, its host names, a disk")]
