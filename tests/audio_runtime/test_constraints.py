"""The rules that the ledger's table enforces for every client."""

import psycopg
import pytest

from tests.support.audio_runtime import KIND_FIELDS, KINDS, event

TABLE = "os_core.audio_runtime_events"


def insert(db, row):
    values = {"row_hash": bytes(32), **row}
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    db.execute(f"INSERT INTO {TABLE} ({names}) VALUES ({marks})", [*values.values()])


def assert_refused(db, row, constraint="_check"):
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        insert(db, row)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_takes_its_own_fields(cast, db, kind):
    insert(db, event(kind))
    assert cast.events()[0]["event_kind"] == kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_needs_its_fields(cast, db, kind):
    for field in KIND_FIELDS[kind].keys() - {"raw_stream_id"}:
        assert_refused(db, event(kind, **{field: None}), "field")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_takes_no_field_of_another(cast, db, kind):
    others = {
        name: value
        for fields in KIND_FIELDS.values()
        for name, value in fields.items()
        if name not in KIND_FIELDS[kind]
    }
    for field, value in others.items():
        assert_refused(db, event(kind, **{field: value}), "field")


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("VAD_EVENT", "event_kind", "NOISE"),
        ("VAD_EVENT", "created_at", -1),
        ("VAD_EVENT", "idempotency_key", ""),
        ("VAD_EVENT", "idempotency_key", "k" * 129),
        ("VAD_EVENT", "processed_stream_id", "s" * 65),
        ("VAD_EVENT", "row_hash", b"short"),
        ("DEVICE_STATE", "device_health", "healthy"),
        ("TIMING_STATS", "jitter_ms", float("nan")),
        ("TIMING_STATS", "jitter_ms", -0.5),
        ("TIMING_STATS", "drift_ppm", float("-inf")),
        ("TIMING_STATS", "drift_ppm", float("nan")),
        ("TIMING_STATS", "buffer_depth_ms", float("inf")),
        ("TIMING_STATS", "underruns", -1),
        ("INTERRUPT_CANDIDATE", "phrase_text", ""),
        ("INTERRUPT_CANDIDATE", "reason_code", -1),
    ],
)
def test_it_takes_no_value_out_of_range(cast, db, kind, field, value):
    assert_refused(db, event(kind, **{field: value}))


def test_nobody_chooses_an_event_id(cast, db):
    with pytest.raises(psycopg.errors.GeneratedAlways):
        insert(db, event(event_id=5))
