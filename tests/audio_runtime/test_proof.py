"""The proof computes in Python what the database computes: hashes, audit rows and the replay."""

import re

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg.rows import dict_row

from telemetry.audio_runtime import schema
from telemetry.audio_runtime.proof import audit, canonical
from telemetry.audio_runtime.proof.declaration import (
    CURRENT_COLUMNS,
    EVENT_COLUMNS,
    FIELDS,
    KINDS,
    REASONS,
    Type,
)
from telemetry.audio_runtime.proof.fold import Fold
from tests.audio_runtime.test_canonical import rows
from tests.audio_runtime.test_properties import OVER_ONE_DATABASE, URL, valid_events
from tests.support.audio_runtime import EVENT_TYPES

LEDGER = "os_core.audio_runtime_events"

# By name and as text: the order of the columns does not matter, and a double keeps every bit.
MEMBERS = ", ".join(f"'{it.name}', %({it.name})s::{it.type.value}::text" for it in FIELDS)
GIVEN = f"""
    WITH given AS MATERIALIZED (
        SELECT jsonb_populate_record(NULL::{LEDGER}, jsonb_build_object({MEMBERS})) AS event
    )
"""
OF_EVENT = """
    SELECT
        os_core.audio_runtime_event_content(event) AS content,
        audit_row.event_type,
        audit_row.reason_codes,
        audit_row.severity,
        audit_row.payload_min::text AS payload
    FROM {source}
    CROSS JOIN LATERAL audit.audio_runtime_row(event) AS audit_row
"""


@pytest.fixture(scope="module")
def connection(databases):
    url = databases.take()
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        yield connection
    databases.give_back(url)


def assert_same(event, found):
    assert canonical.content(event) == found["content"]
    engine, *due = audit.audit_row(event)
    names = ("event_type", "reason_codes", "severity", "payload")
    assert due == [found[name] for name in names]
    assert audit.matches(event, (event[0], engine, *due))


@OVER_ONE_DATABASE
@given(row=rows())
@example(row={**dict.fromkeys(EVENT_COLUMNS), "tenant_id": '"', "device_id": "\x1f\x7f\u2028"})
@example(row={**dict.fromkeys(EVENT_COLUMNS), "tenant_id": "", "device_id": "", "drift_ppm": -0.0})
@example(
    row={**dict.fromkeys(EVENT_COLUMNS), "tenant_id": "", "device_id": "", "jitter_ms": 5e-324}
)
def test_any_row_gives_what_the_database_computes(connection, row):
    """Also rows that only a superuser could have made."""
    row = {"event_id": 1, "event_kind": "X", **{k: v for k, v in row.items() if v is not None}}
    row = {name: row.get(name) for name in EVENT_COLUMNS[:-1]}
    found = connection.execute(GIVEN + OF_EVENT.format(source="given"), row).fetchone()
    assert_same((*row.values(), None), found)


@OVER_ONE_DATABASE
@given(events=st.lists(valid_events(), min_size=1, max_size=12))
@pytest.mark.one_node("calls a function with a row of a table, and a shard's row has another type")
def test_appended_events_give_what_the_database_computes(client, ledger, events):
    device = ledger.new_device()
    for sent in events:
        sent["device_id"] = device
    results = client.post(f"{URL}/batch", json=events).json["results"]
    assert len(results) == len(events)
    computed = ledger.db.execute(
        OF_EVENT.format(source=f"{LEDGER} AS event") + " WHERE device_id = %s ORDER BY event_id",
        [device],
    ).fetchall()
    stored = ledger.db.execute(
        f"SELECT * FROM {LEDGER} WHERE device_id = %s ORDER BY event_id", [device]
    ).fetchall()
    fold, previous = Fold(), canonical.FIRST_HASH
    for row, found in zip(stored, computed, strict=True):
        event = tuple(row[name] for name in EVENT_COLUMNS)
        assert_same(event, found)
        previous = canonical.link(previous, found["content"])
        assert event[-1] == previous
        fold.add(event)
    [replayed] = ledger.db.execute(
        "SELECT * FROM os_core.audio_runtime_replay('tenant-1', %s)", [device]
    ).fetchall()
    assert dict(zip(CURRENT_COLUMNS, fold.current(), strict=True)) == replayed


def test_the_declaration_is_that_of_the_schema_and_the_tables(ledger):
    own = {kind: set(fields) for kind, fields in schema.KINDS.items()}
    assert {name: {*kind.fields} for name, kind in KINDS.items()} == own
    assert {name: kind.event_type for name, kind in KINDS.items()} == EVENT_TYPES
    columns = ledger.db.execute(
        "SELECT attrelid::regclass::text AS table, attname AS name,"
        " format_type(atttypid, atttypmod) AS type FROM pg_attribute"
        " WHERE attrelid = ANY(%s::regclass[]) AND attnum > 0 ORDER BY attnum",
        [[LEDGER, "os_core.audio_runtime_current"]],
    ).fetchall()
    in_ledger = [(it["name"], it["type"]) for it in columns if it["table"] == LEDGER]
    in_ledger.remove(("row_hash", "bytea"))
    in_ledger.remove(("feed_number", "bigint"))  # which no hash covers
    assert in_ledger == [(it.name, it.type.value) for it in FIELDS]
    assert {it["name"] for it in columns if it["table"] != LEDGER} == {*CURRENT_COLUMNS}


def test_a_group_of_later_fields_is_left_out_when_nothing_follows():
    text, bigint = canonical.ENCODERS[Type.TEXT], canonical.ENCODERS[Type.BIGINT]
    groups = [[text, bigint], [bigint]]
    assert canonical.encode_later(groups, (None, None, None)) == b""
    assert canonical.encode_later(groups, ("x", None, None)) == text("x") + b"\0"
    assert canonical.encode_later(groups, (None, None, 5)) == b"\0\0" + bigint(5)
    assert canonical.encode_later(groups, ("x", 4, 5)) == text("x") + bigint(4) + bigint(5)


def test_every_reason_code_is_one_that_audit_rows_may_have(ledger):
    [check] = ledger.db.execute(
        "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint"
        " WHERE conname = 'audit_events_reason_codes_check'"
    ).fetchall()
    assert re.findall(r"'(K_\w+)'", check["text"]) == [reason.code for reason in REASONS]


@pytest.mark.parametrize(
    ("stored", "same"),
    [
        ('{"session_id": 7}', True),
        ('{"session_id": 7.0}', True),
        ('{"session_id": 7.00000000000000000001}', False),
        ('{"session_id": "7"}', False),
        ('{"session_id": true}', False),
        ('{"session_id": 7, "x": null}', False),
        ("[" * 5000, False),
    ],
)
def test_payloads_are_compared_as_jsonb_compares_them(stored, same):
    event = dict.fromkeys(EVENT_COLUMNS) | {"event_kind": "VAD_EVENT", "session_id": 7}
    engine, *due, payload = audit.audit_row(tuple(event.values()))
    audit_row = (1, engine, *due, payload.replace('"session_id": 7}', stored[1:]))
    if stored.startswith("["):
        audit_row = (1, engine, *due, stored)
    assert audit.matches(tuple(event.values()), audit_row) is same
