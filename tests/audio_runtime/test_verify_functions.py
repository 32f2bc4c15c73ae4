"""Functions of the database that lie convince only ``--fast``, and are named."""

import pytest

from telemetry.audio_runtime.kept_heads import read_heads
from telemetry.audio_runtime.proof import canonical
from telemetry.audio_runtime.proof.declaration import EVENT_COLUMNS
from tests.support.audio_runtime import KINDS, event
from tests.support.command import telemetry
from tests.support.ledger import guards_down

URL = "/api/v1/audio-runtime/events"
LEDGER = "os_core.audio_runtime_events"
CONTENT = f"os_core.audio_runtime_event_content({LEDGER}, bytea)"


@pytest.fixture
def ids(client, cast):
    sent = [event(kind, session_id=71) for kind in KINDS]
    results = client.post(f"{URL}/batch", json=sent).json["results"]
    return [result["event_id"] for result in results]


@pytest.fixture
def heads(client, ids, tmp_path):
    file = tmp_path / "heads.json"
    file.write_bytes(client.get("/api/v1/audio-runtime/heads?tenant_id=tenant-1").data)
    return file


def functions(db, name):
    rows = db.execute(
        "SELECT pg_get_functiondef(oid) AS text FROM pg_proc WHERE proname = %s", [name]
    )
    return [row["text"] for row in rows]


def lie(db, event_id):
    """Have every function of the content give, for one event, the bytes that it has now."""
    [row] = db.execute(f"SELECT * FROM {LEDGER} WHERE event_id = %s", [event_id]).fetchall()
    honest = canonical.content(tuple(row[name] for name in EVENT_COLUMNS))
    for overload in functions(db, "audio_runtime_event_content"):
        head, _, rest = overload.partition("AS $function$")
        body, _, _ = rest.partition("$function$")
        of_event = "event.event_id"
        db.execute(
            f"{head} AS $function$ SELECT CASE WHEN {of_event} = {event_id}"
            f" THEN '\\x{honest.hex()}'::bytea ELSE ({body}) END $function$"
        )


def test_a_content_function_that_lies_is_found(cast, ids, heads, db, database_url):
    lie(db, ids[2])
    with guards_down(db, LEDGER):
        db.execute(f"UPDATE {LEDGER} SET created_at = 5 WHERE event_id = %s", [ids[2]])
    line = f"tenant_id=tenant-1 device_id=device-1 event_id={ids[2]} problem=row_hash_wrong"
    # What the database computes agrees with the lie.
    assert cast.verify(fast=True, kept=read_heads(heads)) == []
    assert cast.verify(kept=read_heads(heads)) == [line]
    for options in ([], ["--fast"], ["--heads", str(heads)]):
        done = telemetry("verify", *options, DATABASE_URL=database_url)
        assert done.returncode == 1
        assert f"problem=function_differs object={CONTENT}" in done.stdout
        assert (line in done.stdout) == ("--fast" not in options)


@pytest.mark.one_node("the replay is a part of the statement there, not a function")
def test_a_replay_that_lies_is_found(cast, ids, db):
    db.execute("UPDATE os_core.audio_runtime_current SET overruns = 0")
    [replay] = functions(db, "audio_runtime_replay")
    _, start, _ = replay.partition("AS $function$")
    db.execute(
        replay.partition("AS $function$")[0]
        + start
        + "SELECT * FROM os_core.audio_runtime_current WHERE tenant_id = of_tenant_id"
        " AND device_id = of_device_id$function$"
    )
    assert cast.verify(fast=True) == []
    [found] = cast.verify()
    assert found.endswith(f"event_id={ids[-1]} problem=projection_differs")


def test_audit_functions_that_lie_are_found(cast, ids, db):
    """Those that stand for the payload and its names are called by verify, as is the row's."""
    with guards_down(db, "audit.audit_events"):
        db.execute("UPDATE audit.audit_events SET payload_min = payload_min - 'session_id'")
    definitions = functions(db, "audio_runtime_payload")
    [payload] = (it for it in definitions if "event os_core.audio_runtime_event," in it)
    db.execute(payload.replace("event.session_id", "NULL::bigint"))
    assert cast.verify(fast=True) == []
    found = cast.verify()
    assert [it.rpartition("=")[2] for it in found] == ["audit_row_differs"] * len(ids)


def test_operators_of_another_schema_convince_nobody(cast, ids, db, database_url):
    """The search_path of a database or a role decides which operators a name means."""
    with guards_down(db, LEDGER):
        db.execute(f"UPDATE {LEDGER} SET created_at = 5 WHERE event_id = %s", [ids[2]])
    db.execute("CREATE SCHEMA evil")
    db.execute(
        "CREATE FUNCTION evil.differs(bytea, bytea) RETURNS boolean LANGUAGE sql RETURN FALSE"
    )
    db.execute(
        "CREATE OPERATOR evil.<> (FUNCTION = evil.differs, LEFTARG = bytea, RIGHTARG = bytea)"
    )
    name = db.info.dbname
    db.execute(f"ALTER DATABASE {name} SET search_path = evil, pg_catalog, public")
    try:
        for fast in (False, True):
            [found] = cast.verify(fast=fast)
            assert found.endswith(f"event_id={ids[2]} problem=row_hash_wrong")
    finally:
        db.execute(f"ALTER DATABASE {name} RESET search_path")


def test_a_view_in_the_place_of_the_ledger_is_found(cast, ids, db, database_url):
    db.execute(f"ALTER TABLE {LEDGER} RENAME TO hidden")
    db.execute(f"CREATE VIEW {LEDGER} AS SELECT * FROM os_core.hidden")
    done = telemetry("verify", DATABASE_URL=database_url)
    assert done.returncode == 1
    assert f"problem=table_differs object={LEDGER}" in done.stdout
