"""POST /api/v1/audio-runtime/events."""

import hashlib
import struct
from urllib.parse import quote

import pytest

from tests.support.audio_runtime import EVENT_TYPES, KIND_FIELDS, KINDS, event

URL = "/api/v1/audio-runtime/events"


def test_it_works(client, cast):
    answer = client.post(URL, json=event())
    assert answer.status_code == 201
    row = cast.events()[0]
    assert answer.json == {
        "status": "committed",
        "event_id": row["event_id"],
        "ledger_event_type": "K_RUNTIME_EVENT_COMMIT",
        "audit_event_id": cast.audit()[0]["audit_event_id"],
        "row_hash": row["row_hash"].hex(),
    }
    cast.assert_sound()


@pytest.mark.parametrize("kind", KINDS)
def test_it_stores_every_field_of_a_kind(client, cast, kind):
    sent = event(kind, session_id=71)
    assert client.post(URL, json=sent).status_code == 201
    row = cast.events()[0]
    filled = {name: value for name, value in row.items() if value is not None}
    assert filled.keys() - sent.keys() == {"event_id", "row_hash"}
    assert {name: row[name] for name in sent} == sent
    cast.assert_sound()


@pytest.mark.parametrize("kind", KINDS)
def test_it_leaves_an_audit_row(client, cast, kind):
    answer = client.post(URL, json=event(kind, session_id=71))
    row = cast.audit()[0]
    assert row["source_event_id"] == answer.json["event_id"]
    assert (row["tenant_id"], row["device_id"]) == ("tenant-1", "device-1")
    assert (row["engine"], row["event_type"]) == ("PH1.K", EVENT_TYPES[kind])
    shown = {
        "STREAM_REFS": {"processed_stream_id": "processed-1", "pre_roll_buffer_id": 11},
        "VAD_EVENT": {"processed_stream_id": "processed-2"},
        "DEVICE_STATE": {"device_health": "DEGRADED"},
        "INTERRUPT_CANDIDATE": {"interrupt_phrase_id": 5, "interrupt_phrase_text": "stop 🛑"},
        "DEGRADATION_FLAGS": {"degradation_flags": KIND_FIELDS["DEGRADATION_FLAGS"]},
        "TTS_PLAYBACK_ACTIVE": {"tts_playback_active": True},
    }.get(kind, {})
    assert row["payload_min"] == {
        "tenant_id": "tenant-1",
        "device_id": "device-1",
        "session_id": 71,
        "event_kind": kind,
        **shown,
    }


@pytest.mark.parametrize(
    ("kind", "fields", "reasons", "severity"),
    [
        ("VAD_EVENT", {}, [], "INFO"),
        ("INTERRUPT_CANDIDATE", {}, ["K_INTERRUPT_CANDIDATE_EMITTED"], "INFO"),
        ("DEVICE_STATE", {"device_health": "HEALTHY"}, [], "INFO"),
        ("DEVICE_STATE", {"device_health": "DEGRADED"}, ["K_DEVICE_UNHEALTHY"], "WARN"),
        ("DEVICE_STATE", {"device_health": "FAILED"}, ["K_DEVICE_UNHEALTHY"], "WARN"),
        ("DEGRADATION_FLAGS", {"device_changed": False}, [], "INFO"),
        ("DEGRADATION_FLAGS", {"device_changed": True}, ["K_DEVICE_FAILOVER"], "WARN"),
        (
            "DEGRADATION_FLAGS",
            {"aec_unstable": True, "stream_gap_detected": True},
            ["K_STREAM_GAP_DETECTED", "K_AEC_UNSTABLE", "K_DEVICE_FAILOVER"],
            "WARN",
        ),
    ],
)
def test_the_audit_row_says_why_to_look(client, cast, kind, fields, reasons, severity):
    client.post(URL, json=event(kind, **fields))
    row = cast.audit()[0]
    assert (row["reason_codes"], row["severity"]) == (reasons, severity)


def test_it_chains_each_row_to_the_one_before(client, cast):
    """Checked from the contract and the stored rows alone."""
    for kind in KINDS:
        client.post(URL, json=event(kind, session_id=71))
    reached = bytes(32)
    for row in cast.events():
        place = [*row].index("row_hash")
        # Columns behind row_hash were added later, and count in the rows that have them.
        later = [value for value in [*row.values()][place + 1 :] if value is not None]
        fields = [*row.values()][:place] + later
        reached = hashlib.sha256(reached + b"".join(map(canonical, fields))).digest()
        assert row["row_hash"] == reached
    assert cast.rows("os_core.audio_runtime_heads")[0]["row_hash"] == reached


def canonical(value):
    if value is None:
        return b"\0"
    if isinstance(value, bool):
        raw = struct.pack(">?", value)
    elif isinstance(value, int):
        raw = struct.pack(">q", value)
    elif isinstance(value, float):
        raw = struct.pack(">d", value)
    else:
        raw = value.encode()
    return b"\1" + struct.pack(">i", len(raw)) + raw


def test_the_hash_is_the_same_under_any_setting_of_a_session(make_app, database_url, cast):
    settings = (
        "-c extra_float_digits=-15 -c timezone=Asia/Kathmandu -c bytea_output=escape"
        " -c datestyle=German -c client_encoding=UTF8 -c search_path=os_core"
    )
    odd = make_app(database_url=f"{database_url}&options={quote(settings)}")
    sent = event("TIMING_STATS", jitter_ms=0.1 + 0.2)
    assert odd.test_client().post(URL, json=sent).status_code == 201
    cast.assert_sound()


def test_it_takes_a_stream_id_as_an_integer_of_up_to_128_bits(client, cast):
    largest = 2**128 - 1
    sent = event("STREAM_REFS", processed_stream_id=largest, raw_stream_id=0)
    assert client.post(URL, json=sent).status_code == 201
    row = cast.events()[0]
    assert (row["processed_stream_id"], row["raw_stream_id"]) == (str(largest), "0")


def test_a_session_may_be_on_another_device_of_the_tenant(client, cast):
    assert client.post(URL, json=event(device_id="device-2", session_id=71)).status_code == 201


def test_it_names_the_variable_to_set_when_no_database_is_configured(make_app):
    app = make_app(database_url=None)
    answer = app.test_client().post(URL, json=event())
    assert answer.status_code == 503
    assert "DATABASE_URL" in answer.json["detail"]


def test_it_works_behind_a_transaction_pooler(make_app, cast):
    client = make_app(db_prepared_statements=False).test_client()
    assert client.post(URL, json=event()).status_code == 201
    assert client.post(URL, json=event("TIMING_STATS")).status_code == 201
    cast.assert_sound()
