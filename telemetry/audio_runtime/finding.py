"""What verify and rebuild report about a damaged ledger."""

from typing import NamedTuple

# Refuses an append for a device about which the ledger contradicts itself.
REBUILD_INTEGRITY = "K_FAIL_REBUILD_INTEGRITY"


class Finding(NamedTuple):
    """One problem of a device; ``event_id`` is None when it concerns no single event."""

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
