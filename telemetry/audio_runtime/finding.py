"""What verify and rebuild have to say of a ledger that is not as it should be."""

from typing import NamedTuple

# The reason for which nothing is appended for a device about which the ledger contradicts itself.
REBUILD_INTEGRITY = "K_FAIL_REBUILD_INTEGRITY"


class Finding(NamedTuple):
    """Something that is not as it should be; ``event_id`` is None where no event is concerned."""

    tenant_id: str
    device_id: str
    event_id: int | None
    problem: str

    def __str__(self) -> str:
        """Return the line that the command prints."""
        event_id = "-" if self.event_id is None else self.event_id
        return (
            f"tenant_id={self.tenant_id} device_id={self.device_id}"
            f" event_id={event_id} problem={self.problem}"
        )
