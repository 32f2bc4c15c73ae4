"""What hashes cover and audit rows contain is, byte for byte, what reference.sql gives."""

import math
from pathlib import Path

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from tests.support.audio_runtime import KINDS, event

LEDGER = "os_core.audio_runtime_events"
REFERENCE = Path(__file__).with_name("reference.sql")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
# One NaN: PostgreSQL writes every NaN as the text NaN, so its other bits do not reach a column.
doubles = st.floats(allow_nan=False) | st.just(math.nan)
VALUES = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "text": texts,
    "double precision": doubles,
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
# By name and as text, so that columns added later are NULL, and a double keeps every bit.
MEMBERS = ", ".join(f"'{name}', %({name})s::{type_}::text" for name, type_ in TYPES.items())
COMPARE = f"""
    WITH given AS MATERIALIZED (
        SELECT jsonb_populate_record(NULL::{LEDGER}, jsonb_build_object({MEMBERS})) AS event
    )
    SELECT
        reference.audio_runtime_event_canonical_v1({FIELDS}) AS bytes,
        os_core.audio_runtime_event_content(event) AS content,
        os_core.audio_runtime_event_content(
            event,
            os_core.canonical_field((event).tenant_id) || os_core.canonical_field((event).device_id)
        ) AS content_of_names,
        plain_row::text AS audit_row,
        fast_row::text AS audit_row_fast,
        plain_row.payload_min::text AS payload,
        audit.audio_runtime_payload(
            event, audit.audio_runtime_names((event).tenant_id, (event).device_id)
        ) AS payload_fast
    FROM given
    CROSS JOIN LATERAL reference.audio_runtime_row(event) AS plain_row
    CROSS JOIN LATERAL audit.audio_runtime_row(event) AS fast_row
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
    """A database that also has the functions of reference.sql."""
    url = databases.take()
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute(REFERENCE.read_bytes())
        yield connection
    databases.give_back(url)


@settings(max_examples=300, deadline=None)
@given(row=rows())
@example(row={**dict.fromkeys(TYPES), "tenant_id": "", "device_id": ""})
@example(row={**dict.fromkeys(TYPES), "tenant_id": '\\"', "device_id": "ü\n", "drift_ppm": -0.0})
def test_any_row_gives_what_the_reference_gives(connection, row):
    found = connection.execute(COMPARE, row).fetchone()
    assert found["bytes"] == found["content"] == found["content_of_names"]
    assert found["audit_row"] == found["audit_row_fast"]
    assert found["payload"] == found["payload_fast"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("without", [None, "session_id", "raw_stream_id"])
def test_a_row_of_each_kind_gives_what_the_reference_gives(connection, kind, without):
    row = {**dict.fromkeys(TYPES), "event_id": 5, "session_id": 7, **event(kind)}
    test_any_row_gives_what_the_reference_gives.hypothesis.inner_test(
        connection, {**row, **({without: None} if without else {})}
    )
