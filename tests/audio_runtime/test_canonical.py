"""What hashes cover and audit rows say is, byte for byte, what the first migrations made of it."""

import re

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from tests.support.audio_runtime import KINDS, event
from tests.support.service import PROJECT

LEDGER = "os_core.audio_runtime_events"
FIRST = {
    "os_core.canonical_field": "0007_audio_runtime_events",
    "os_core.audio_runtime_event_canonical_v1": "0007_audio_runtime_events",
    "audit.audio_runtime_row": "0008_audit_create",
}

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
VALUES = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "text": texts,
    "double precision": st.floats(),
    "boolean": st.booleans(),
}
TYPES = {
    "event_id": "bigint",
    "tenant_id": "text",
    "device_id": "text",
    "session_id": "bigint",
    "event_kind": "text",
    "created_at": "bigint",
    "idempotency_key": "text",
    "processed_stream_id": "text",
    "raw_stream_id": "text",
    "pre_roll_buffer_id": "bigint",
    "selected_mic": "text",
    "selected_speaker": "text",
    "device_health": "text",
    "jitter_ms": "double precision",
    "drift_ppm": "double precision",
    "buffer_depth_ms": "double precision",
    "underruns": "bigint",
    "overruns": "bigint",
    "phrase_id": "bigint",
    "phrase_text": "text",
    "reason_code": "bigint",
    "capture_degraded": "boolean",
    "aec_unstable": "boolean",
    "device_changed": "boolean",
    "stream_gap_detected": "boolean",
    "tts_playback_active": "boolean",
}
NAMES = ("tenant_id", "device_id")

FIELDS = ", ".join(f"(event).{name}" for name in TYPES)
ROW = ", ".join(f"%({name})s::{type_}" for name, type_ in TYPES.items())
COMPARE = f"""
    WITH given AS MATERIALIZED (SELECT ROW({ROW}, NULL)::{LEDGER} AS event)
    SELECT
        first.audio_runtime_event_canonical_v1({FIELDS}) AS bytes,
        os_core.audio_runtime_event_canonical_v1({FIELDS}) AS bytes_now,
        os_core.audio_runtime_event_content(event) AS content,
        os_core.audio_runtime_event_content(
            event,
            os_core.canonical_field((event).tenant_id) || os_core.canonical_field((event).device_id)
        ) AS content_of_names,
        row_then::text AS audit_row,
        row_now::text AS audit_row_now,
        row_then.payload_min::text AS payload,
        audit.audio_runtime_payload(
            event, audit.audio_runtime_names((event).tenant_id, (event).device_id)
        ) AS payload_now
    FROM given
    CROSS JOIN LATERAL first.audio_runtime_row(event) AS row_then
    CROSS JOIN LATERAL audit.audio_runtime_row(event) AS row_now
"""


@st.composite
def rows(draw):
    """Rows that the ledger would take, and rows that only a superuser could have made."""
    row = dict.fromkeys(TYPES)
    some = draw(st.sets(st.sampled_from(sorted(TYPES))))
    for name, type_ in TYPES.items():
        if name in some or name in NAMES:
            row[name] = draw(VALUES[type_])
    if draw(st.booleans()):
        row.update(event(draw(st.sampled_from(KINDS))))
    if draw(st.booleans()):
        row["event_kind"] = draw(st.sampled_from(KINDS))
        row["device_health"] = draw(st.sampled_from([None, "HEALTHY", "FAILED"]))
    return row


@pytest.fixture(scope="module")
def connection(databases):
    """A database that also has the functions as they were first made."""
    url = databases.take()
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("CREATE SCHEMA first")
        for name, migration in FIRST.items():
            text = (PROJECT / "migrations" / f"{migration}.sql").read_text()
            made = re.search(rf"CREATE FUNCTION {re.escape(name)}\(.*?;\n(?=\nCOMMENT)", text, re.S)
            statement = re.sub(r"\b(os_core|audit)\.(?!audio_runtime_events)", "first.", made[0])
            connection.execute(statement.encode())
        yield connection
    databases.give_back(url)


@settings(max_examples=300, deadline=None)
@given(row=rows())
@example(row={**dict.fromkeys(TYPES), "tenant_id": "", "device_id": ""})
@example(row={**dict.fromkeys(TYPES), "tenant_id": '\\"', "device_id": "ü\n", "drift_ppm": -0.0})
def test_any_row_gives_what_it_gave_at_first(connection, row):
    found = connection.execute(COMPARE, row).fetchone()
    assert found["bytes"] == found["bytes_now"] == found["content"] == found["content_of_names"]
    assert found["audit_row"] == found["audit_row_now"]
    assert found["payload"] == found["payload_now"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("without", [None, "session_id", "raw_stream_id"])
def test_a_row_of_each_kind_gives_what_it_gave_at_first(connection, kind, without):
    row = {**dict.fromkeys(TYPES), "event_id": 5, "session_id": 7, **event(kind)}
    test_any_row_gives_what_it_gave_at_first.hypothesis.inner_test(
        connection, {**row, **({without: None} if without else {})}
    )
