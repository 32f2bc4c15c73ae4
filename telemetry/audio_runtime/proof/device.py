"""Checking the rows of one device: its chain, its head, its audit rows and its projection."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from telemetry.audio_runtime.finding import Finding
from telemetry.audio_runtime.kept_heads import Head
from telemetry.audio_runtime.proof import audit, canonical
from telemetry.audio_runtime.proof.declaration import PLACE
from telemetry.audio_runtime.proof.fold import Fold

# A device whose rows were all rewritten need not be reported row by row.
MAX_FINDINGS = 20

_ID, _SESSION, _ROW_HASH = PLACE["event_id"], PLACE["session_id"], PLACE["row_hash"]


class StoredHead(NamedTuple):
    """A device's row in the table of heads; ``event_id`` is None before the first event."""

    event_id: int | None
    row_hash: bytes


class Device(NamedTuple):
    """A device and what the tables beside the ledger record of it.

    ``bound_to`` is the tenant in the table of devices, None: not in there. ``current`` is the row
    of the projection in the order of CURRENT_COLUMNS.
    """

    tenant_id: str
    device_id: str
    bound_to: str | None
    head: StoredHead | None
    current: tuple[Any, ...] | None


class Link(NamedTuple):
    """An event beside its audit row, in the order of EVENT_COLUMNS and AUDIT_COLUMNS.

    Without ``event`` there is an audit row for an event that does not exist. ``session_known``
    says that the event has no session, or one of its tenant.
    """

    event: tuple[Any, ...] | None
    session_known: bool
    audit_row: tuple[Any, ...] | None


class Start(NamedTuple):
    """Where to begin: after the event with this id and hash, which was verified earlier.

    ``earlier`` are the events up to it, by ``event_id``, from which the projection follows.
    """

    event_id: int | None = None
    row_hash: bytes = canonical.FIRST_HASH
    earlier: Iterable[tuple[Any, ...]] = ()


class _Found:
    """The findings about one device, at most MAX_FINDINGS of each problem of single events."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._counts: Counter[str] = Counter()
        self.findings: list[Finding] = []

    def add(self, problem: str, event_id: int | None) -> None:
        self._counts[problem] += 1
        if self._counts[problem] <= MAX_FINDINGS:
            self.findings.append(Finding(*self._device[:2], event_id, problem))


def check_device(device: Device, links: Iterable[Link], start: Start, kept: Head) -> list[Finding]:
    """Return what is wrong with a device whose ``links`` come in the order of ``event_id``.

    Takes the same memory for any number of links. Raises what canonical.content_with raises for
    values that no column holds, and ValueError for links in another order.
    """
    found = _Found(device)
    fold = Fold()
    kept_hash: bytes | None = None
    for earlier in start.earlier:
        fold.add(earlier)
        if earlier[_ID] == kept.event_id:
            kept_hash = earlier[_ROW_HASH]
    names = canonical.names_content(*device[:2])
    previous = start.row_hash
    last_id = start.event_id
    for event, session_known, audit_row in links:
        if event is None:
            found.add("audit_row_without_event", audit_row[0] if audit_row else None)
            continue
        event_id, row_hash = event[_ID], event[_ROW_HASH]
        if last_id is not None and event_id < last_id:
            raise ValueError(f"event {event_id} came after event {last_id}")
        if row_hash != canonical.link(previous, canonical.content_with(names, event)):
            found.add("row_hash_wrong", event_id)
        if audit_row is None:
            found.add("audit_row_missing", event_id)
        elif not audit.matches(event, audit_row):
            found.add("audit_row_differs", event_id)
        if not session_known:
            found.add("session_not_of_tenant", event_id)
        if event_id == kept.event_id:
            kept_hash = row_hash
        fold.add(event)
        previous, last_id = row_hash, event_id
    _check_head(device, fold.newest, found)
    _check_kept(kept, kept_hash, found)
    _check_current(device.current, fold.current(), found)
    return sorted(found.findings, key=order)


def _check_head(device: Device, newest: tuple[Any, ...] | None, found: _Found) -> None:
    newest_id = newest[_ID] if newest else None
    if device.bound_to is None:
        found.add("device_missing", newest_id)
    elif device.bound_to != device.tenant_id:
        found.add("device_of_another_tenant", newest_id)
    head = device.head
    if head is None:
        found.add("head_missing", newest_id)
    elif head.event_id == newest_id:
        if head.row_hash != (newest[_ROW_HASH] if newest else canonical.FIRST_HASH):
            found.add("head_row_hash_wrong", newest_id)
    elif head.event_id is not None and (newest_id is None or head.event_id > newest_id):
        found.add("newest_event_missing", head.event_id)
    else:
        found.add("head_behind", newest_id)


def _check_kept(kept: Head, stored: bytes | None, found: _Found) -> None:
    if kept.event_id is None:
        return
    if stored is None:
        found.add("kept_event_missing", kept.event_id)
    elif stored.hex() != kept.row_hash:
        found.add("kept_row_hash_differs", kept.event_id)


def _check_current(
    stored: tuple[Any, ...] | None, due: tuple[Any, ...] | None, found: _Found
) -> None:
    if stored == due:
        return
    newest_id = max(row[-2] for row in (stored, due) if row)
    if stored is None:
        found.add("projection_missing", newest_id)
    elif due is None:
        found.add("projection_without_events", newest_id)
    else:
        found.add("projection_differs", newest_id)


def order(finding: Finding) -> tuple[Any, ...]:
    """Return the sort key: by device and event; what derives from the ledger after the ledger.

    A projection that differs names the newest event, which may be right in itself; and of one
    event, its own hash comes first.
    """
    return (
        finding.tenant_id,
        finding.device_id,
        finding.problem.startswith("projection_"),
        finding.event_id is not None,
        finding.event_id or 0,
        finding.problem != "row_hash_wrong",
    )
