"""Whatever a superuser changes with the triggers off is found and named."""

from math import inf, nextafter

import pytest

from telemetry.audio_runtime.kept_heads import read_heads
from telemetry.audio_runtime.proof import audit, canonical
from telemetry.audio_runtime.proof.declaration import EVENT_COLUMNS
from tests.support.audio_runtime import KIND_FIELDS, KINDS, event
from tests.support.replay import replay

URL = "/api/v1/audio-runtime/events"
LEDGER = "os_core.audio_runtime_events"


@pytest.fixture(autouse=True, params=[False, True], ids=["proof", "fast"])
def way(request, ledger):
    """Both ways of verify find the same."""
    ledger.fast = request.param


@pytest.fixture
def ids(client, cast, db):
    """Fill two devices; return the ids of device-1's events. Then the guards are taken down."""
    sent = [
        event(kind, device_id=device, session_id=71)
        for kind in KINDS
        for device in ("device-1", "device-2")
    ]
    assert client.post(f"{URL}/batch", json=sent).status_code == 200
    cast.assert_sound()
    for table in (LEDGER, "audit.audit_events", "os_core.audio_runtime_heads"):
        db.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    drop_id_check(db)
    rows = [row["event_id"] for row in cast.events() if row["device_id"] == "device-1"]
    assert len(rows) == len(KINDS)
    return rows


def drop_id_check(db):
    db.execute(
        f"ALTER TABLE {LEDGER} DROP CONSTRAINT IF EXISTS audio_runtime_events_event_id_check"
    )


def slip_in(db, event_id, row_hash, device="device-1"):
    """Insert an event as no one may; nothing else of what an append writes."""
    db.execute(
        f"INSERT INTO {LEDGER} (event_id, tenant_id, device_id, event_kind, created_at,"
        " idempotency_key, tts_playback_active, row_hash) OVERRIDING SYSTEM VALUE"
        " VALUES (%s, 'tenant-1', %s, 'TTS_PLAYBACK_ACTIVE', 1, 'in', TRUE, %s)",
        [event_id, device, row_hash],
    )


def stored(cast, event_id):
    """Return the event as the proof takes it."""
    [row] = [row for row in cast.events() if row["event_id"] == event_id]
    return tuple(row[name] for name in EVENT_COLUMNS)


def chain(cast, event_id, previous=canonical.FIRST_HASH):
    """Give an event the hash that follows from its fields and from the hash before; return it."""
    row_hash = canonical.link(previous, canonical.content(stored(cast, event_id)))
    cast.db.execute(f"UPDATE {LEDGER} SET row_hash = %s WHERE event_id = %s", [row_hash, event_id])
    return row_hash


def line(event_id, problem, device="device-1"):
    return f"tenant_id=tenant-1 device_id={device} event_id={event_id} problem={problem}"


def changed(value):
    """Return another value, as near as possible."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value - 1
    return nextafter(value, inf) if isinstance(value, float) else f"{value}x"


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_field_is_found(cast, ids, db, kind):
    event_id = ids[KINDS.index(kind)]
    name, value = next(iter(KIND_FIELDS[kind].items()))
    statement = f"UPDATE {LEDGER} SET {name} = %s WHERE event_id = %s"
    db.execute(statement, [changed(value), event_id])
    found = cast.verify()
    assert found[0] == line(event_id, "row_hash_wrong")
    assert all("device_id=device-1" in it for it in found)


@pytest.mark.parametrize("column", ["created_at = 5", "idempotency_key = 'x'", "session_id = NULL"])
def test_a_changed_field_of_every_kind_is_found(cast, ids, db, column):
    db.execute(f"UPDATE {LEDGER} SET {column} WHERE event_id = %s", [ids[3]])
    assert line(ids[3], "row_hash_wrong") in cast.verify()


def test_a_removed_row_is_found(cast, ids, db):
    db.execute(f"DELETE FROM {LEDGER} WHERE event_id = %s", [ids[2]])
    found = cast.verify()
    assert found[0] == line(ids[2], "audit_row_without_event")
    assert found[1] == line(ids[3], "row_hash_wrong")


def test_a_row_removed_with_its_audit_row_is_found(cast, ids, db):
    db.execute("DELETE FROM audit.audit_events WHERE source_event_id = %s", [ids[2]])
    db.execute(f"DELETE FROM {LEDGER} WHERE event_id = %s", [ids[2]])
    assert cast.verify()[0] == line(ids[3], "row_hash_wrong")


@pytest.mark.parametrize("audit_row_too", [False, True])
def test_a_removed_newest_row_is_found(cast, ids, db, audit_row_too):
    if audit_row_too:
        db.execute("DELETE FROM audit.audit_events WHERE source_event_id = %s", [ids[-1]])
    db.execute(f"DELETE FROM {LEDGER} WHERE event_id = %s", [ids[-1]])
    found = cast.verify()
    assert line(ids[-1], "newest_event_missing") in found
    assert all(line(ids[-1], "") in it for it in found)


def test_of_each_device_the_ledger_comes_first(cast, ids, db):
    """The projection differs as of the newest event that is left, which is a good one."""
    db.execute("ALTER TABLE os_core.audio_runtime_current DISABLE TRIGGER ALL")
    db.execute("UPDATE os_core.audio_runtime_current SET last_event_id = %s", [ids[0]])
    db.execute(f"DELETE FROM {LEDGER} WHERE event_id = ANY(%s)", [ids[-3:]])
    assert cast.verify(device_id="device-1")[0] == line(ids[-3], "audit_row_without_event")


@pytest.mark.parametrize("right_hash", [False, True])
def test_an_inserted_row_is_found(cast, ids, db, right_hash):
    """Between two rows, where a sequence leaves gaps; also when it was chained to the first."""
    slot = ids[3] + 1
    db.execute(f"DELETE FROM {LEDGER} WHERE event_id = %s", [slot])
    slip_in(db, slot, bytes(32))
    if right_hash:
        chain(cast, slot, stored(cast, ids[3])[-1])
    found = cast.verify(device_id="device-1")
    assert line(slot, "audit_row_missing") in found
    assert line(ids[4], "row_hash_wrong") in found
    assert (line(slot, "row_hash_wrong") in found) is not right_hash


@pytest.mark.parametrize("event_id", [-(2**63), -7, 0])
def test_a_row_slipped_in_before_the_first_is_found(cast, ids, db, event_id):
    slip_in(db, event_id, bytes(32))
    assert cast.verify()[0] == line(event_id, "row_hash_wrong")
    assert line(event_id, "audit_row_missing") in cast.verify()


@pytest.mark.parametrize("event_id", [-(2**63), -7, 0])
def test_a_row_slipped_into_an_empty_device_is_found(client, cast, db, event_id):
    """With the hash, the audit row and the projection that it would have had."""
    drop_id_check(db)
    slip_in(db, event_id, bytes(32))
    db.execute(f"ALTER TABLE {LEDGER} DISABLE TRIGGER ALL")
    chain(cast, event_id)
    audit_row = audit.audit_row(stored(cast, event_id))
    db.execute(
        "INSERT INTO audit.audit_events (tenant_id, device_id, source_event_id, engine,"
        " event_type, reason_codes, severity, payload_min)"
        " VALUES ('tenant-1', 'device-1', %s, %s, %s, %s, %s, %s)",
        [event_id, *audit_row],
    )
    [state] = replay(cast.events()).values()
    marks = ", ".join(["%s"] * len(state))
    db.execute(
        f"INSERT INTO os_core.audio_runtime_current ({', '.join(state)}) VALUES ({marks})",
        [*state.values()],
    )
    assert cast.verify() == [line(event_id, "head_behind")]
    sent = {"tenant_id": "tenant-1"}
    assert client.post("/api/v1/audio-runtime/rebuild", json=sent).status_code == 409


def test_swapped_rows_are_found(cast, ids, db):
    first, second = ids[1], ids[4]
    columns = [name for name in cast.events()[0] if name != "event_id"]
    names = ", ".join(columns)
    for old, new in ((first, 10**9), (second, first), (10**9, second)):
        db.execute(
            f"WITH moved AS (DELETE FROM {LEDGER} WHERE event_id = {old} RETURNING *)"
            f" INSERT INTO {LEDGER} (event_id, {names}) OVERRIDING SYSTEM VALUE"
            f" SELECT {new}, {names} FROM moved"
        )
    found = cast.verify()
    assert found[0].startswith(line(first, ""))
    for event_id in (first, ids[2], second, ids[5]):
        assert line(event_id, "row_hash_wrong") in found


@pytest.mark.parametrize(
    "change",
    [
        "severity = 'INFO', reason_codes = '{}'",
        "event_type = 'K_VAD_EVENT_MARKER_COMMIT'",
        "payload_min = payload_min - 'session_id'",
        "reason_codes = '{K_AEC_UNSTABLE}', severity = 'WARN'",
    ],
)
def test_a_changed_audit_row_is_found(cast, ids, db, change):
    event_id = ids[KINDS.index("DEVICE_STATE")]
    db.execute(f"UPDATE audit.audit_events SET {change} WHERE source_event_id = {event_id}")
    assert cast.verify() == [line(event_id, "audit_row_differs")]


def test_a_removed_audit_row_is_found(cast, ids, db):
    db.execute("DELETE FROM audit.audit_events WHERE source_event_id = %s", [ids[5]])
    assert cast.verify() == [line(ids[5], "audit_row_missing")]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE os_core.audio_runtime_current SET overruns = 0", "projection_differs"),
        ("UPDATE os_core.audio_runtime_current SET session_id = NULL", "projection_differs"),
        ("DELETE FROM os_core.audio_runtime_current", "projection_missing"),
    ],
)
def test_an_edited_projection_is_found(cast, ids, db, statement, problem):
    db.execute(f"{statement} WHERE device_id = 'device-1'")
    assert cast.verify() == [line(ids[-1], problem)]
    assert cast.rebuild() == (3, 1)
    assert cast.verify() == []


def test_a_changed_head_of_an_empty_device_is_found(cast, db):
    db.execute("UPDATE os_core.audio_runtime_heads SET row_hash = sha256('')")
    assert len(cast.verify()) == 3
    assert line("-", "head_row_hash_wrong") in cast.verify()


@pytest.mark.parametrize(
    ("statement", "at", "problem"),
    [
        ("UPDATE os_core.audio_runtime_heads SET row_hash = sha256('')", -1, "head_row_hash_wrong"),
        ("UPDATE os_core.audio_runtime_heads SET event_id = event_id - 2", -1, "head_behind"),
        ("DELETE FROM os_core.audio_runtime_heads", -1, "head_missing"),
        ("UPDATE os_core.devices SET device_id = 'x'", -1, "device_missing"),
    ],
)
def test_a_head_or_device_that_does_not_fit_is_found(cast, ids, db, statement, at, problem):
    db.execute("ALTER TABLE os_core.devices DISABLE TRIGGER ALL")
    db.execute(f"{statement} WHERE device_id = 'device-1'")
    assert line(ids[at], problem) in cast.verify()


def test_a_session_of_another_tenant_is_found(cast, ids, db):
    db.execute("ALTER TABLE os_core.sessions DISABLE TRIGGER ALL")
    db.execute("UPDATE os_core.sessions SET tenant_id = 'tenant-2' WHERE session_id = 71")
    assert cast.verify(device_id="device-1")[0] == line(ids[0], "session_not_of_tenant")


def test_rewritten_history_is_shown_by_kept_heads(client, cast, ids, db, tmp_path):
    """Everything recomputed to the very head: only a head kept outside tells."""
    file = tmp_path / "heads.json"
    answer = client.get("/api/v1/audio-runtime/heads?tenant_id=tenant-1")
    file.write_bytes(answer.data)
    kept = read_heads(file)
    assert cast.verify(kept=kept) == []
    db.execute(f"UPDATE {LEDGER} SET created_at = 5 WHERE event_id = %s", [ids[2]])
    row_hash = canonical.FIRST_HASH
    for event_id in ids:
        row_hash = chain(cast, event_id, row_hash)
    db.execute(
        "UPDATE os_core.audio_runtime_heads SET row_hash = %s WHERE device_id = 'device-1'",
        [row_hash],
    )
    assert cast.verify() == []
    assert cast.verify(kept=kept) == [line(ids[-1], "kept_row_hash_differs")]
    assert cast.verify(since=kept) == [line(ids[-1], "kept_row_hash_differs")]


def test_history_that_was_cut_is_shown_by_kept_heads(client, cast, ids, db, tmp_path):
    file = tmp_path / "heads.json"
    file.write_bytes(client.get("/api/v1/audio-runtime/heads?tenant_id=tenant-1").data)
    for table in ("audit.audit_events", "os_core.audio_runtime_current", LEDGER):
        db.execute(f"DELETE FROM {table} WHERE device_id = 'device-1'")
    db.execute("DELETE FROM os_core.audio_runtime_heads WHERE device_id = 'device-1'")
    db.execute("UPDATE os_core.sessions SET device_id = 'device-2' WHERE session_id = 71")
    db.execute("DELETE FROM os_core.devices WHERE device_id = 'device-1'")
    assert cast.verify() == []
    assert cast.verify(kept=read_heads(file)) == [line(ids[-1], "kept_event_missing")]


def test_since_kept_heads_only_what_came_after_is_checked(client, cast, ids, db, tmp_path):
    file = tmp_path / "heads.json"
    file.write_bytes(client.get("/api/v1/audio-runtime/heads?tenant_id=tenant-1").data)
    kept = read_heads(file)
    later = client.post(URL, json=event()).json["event_id"]
    assert cast.verify(since=kept) == []
    db.execute(f"UPDATE {LEDGER} SET created_at = 5 WHERE event_id = ANY(%s)", [[ids[2], later]])
    assert cast.verify()[0] == line(ids[2], "row_hash_wrong")
    assert cast.verify(since=kept)[0] == line(later, "row_hash_wrong")
