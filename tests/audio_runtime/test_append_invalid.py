"""What the ledger refuses, and that a refusal changes nothing anywhere."""

import pytest

from tests.support.audio_runtime import KIND_FIELDS, KINDS, event
from tests.support.errors import assert_problems

URL = "/api/v1/audio-runtime/events"
INVALID = "K_FAIL_EVENT_FIELDS_INVALID"


@pytest.fixture
def refused(client, cast):
    """Post an event, and see that nothing has changed."""
    client.post(URL, json=event("STREAM_REFS", session_id=71))

    def post(sent):
        before = cast.everything()
        answer = client.post(URL, json=sent)
        assert answer.status_code >= 400
        assert cast.everything() == before
        cast.assert_sound()
        return answer

    return post


def assert_invalid(answer, expected):
    assert_problems(answer, expected, reason_code=INVALID)


@pytest.mark.parametrize("kind", KINDS)
def test_it_rejects_a_missing_field_of_the_kind(refused, kind):
    for field in KIND_FIELDS[kind].keys() - {"raw_stream_id"}:
        sent = event(kind)
        del sent[field]
        assert_invalid(refused(sent), {field: "missing"})


@pytest.mark.parametrize("kind", KINDS)
def test_it_rejects_the_fields_of_every_other_kind(refused, kind):
    own = KIND_FIELDS[kind]
    others = {
        name: value
        for fields in KIND_FIELDS.values()
        for name, value in fields.items()
        if name not in own
    }
    assert_invalid(refused(event(kind, **others)), dict.fromkeys(others, "unknown"))


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("tenant_id", None, "missing"),
        ("tenant_id", "", "string_too_short"),
        ("tenant_id", "t" * 65, "string_too_long"),
        ("tenant_id", "a b", "name"),
        ("tenant_id", "tenant-1\n", "name"),
        ("tenant_id", "ä", "name"),
        ("tenant_id", "a\0", "text_not_storable"),
        ("device_id", "d" * 129, "string_too_long"),
        ("device_id", 5, "string_type"),
        ("event_kind", "vad_event", "enum"),
        ("event_kind", 1, "string_type"),
        ("event_kind", ["VAD_EVENT"], "string_type"),
        ("created_at", -1, "greater_than_equal"),
        ("created_at", 2**63, "int_out_of_range"),
        ("created_at", 1.5, "int_type"),
        ("created_at", "1", "int_type"),
        ("created_at", True, "int_type"),
        ("idempotency_key", "", "string_too_short"),
        ("idempotency_key", "k" * 129, "string_too_long"),
        ("session_id", "71", "int_type"),
        ("session_id", -1, "greater_than_equal"),
        ("processed_stream_id", "", "string_too_short"),
        ("processed_stream_id", "s" * 65, "string_too_long"),
        ("processed_stream_id", -1, "greater_than_equal"),
        ("processed_stream_id", 2**128, "int_out_of_range"),
        ("processed_stream_id", 10**50, "int_out_of_range"),
        ("processed_stream_id", 1.5, "string_type"),
        ("processed_stream_id", True, "string_type"),
        ("processed_stream_id", [2**100], "int_out_of_range"),
        ("unheard_of", 1, "unknown"),
        ("unheard_of", None, "unknown"),
    ],
)
def test_it_rejects_a_bad_value(refused, field, value, problem):
    assert_invalid(refused({**event(), field: value}), {field: problem})


@pytest.mark.parametrize(
    ("kind", "field", "value", "problem"),
    [
        ("TIMING_STATS", "jitter_ms", -0.1, "greater_than_equal"),
        ("TIMING_STATS", "jitter_ms", float("nan"), "number_not_finite"),
        ("TIMING_STATS", "drift_ppm", float("-inf"), "number_not_finite"),
        ("TIMING_STATS", "buffer_depth_ms", "1", "number_type"),
        ("TIMING_STATS", "buffer_depth_ms", False, "number_type"),
        ("TIMING_STATS", "underruns", 1.5, "int_type"),
        ("TIMING_STATS", "overruns", -1, "greater_than_equal"),
        ("DEVICE_STATE", "device_health", "healthy", "enum"),
        ("DEVICE_STATE", "selected_mic", "", "string_too_short"),
        ("INTERRUPT_CANDIDATE", "phrase_text", "x" * 129, "string_too_long"),
        ("INTERRUPT_CANDIDATE", "phrase_text", "\ud800", "text_not_storable"),
        ("INTERRUPT_CANDIDATE", "reason_code", "7", "int_type"),
        ("DEGRADATION_FLAGS", "aec_unstable", 0, "bool_type"),
        ("TTS_PLAYBACK_ACTIVE", "tts_playback_active", "true", "bool_type"),
        ("STREAM_REFS", "pre_roll_buffer_id", 2**63, "int_out_of_range"),
    ],
)
def test_it_rejects_a_bad_value_of_a_kind(refused, kind, field, value, problem):
    assert_invalid(refused(event(kind, **{field: value})), {field: problem})


def test_it_names_every_bad_field_at_once(refused):
    sent = {**event("TIMING_STATS", jitter_ms=-1, underruns=None, nonsense=1), "tenant_id": " "}
    assert_invalid(
        refused(sent),
        {
            "tenant_id": "name",
            "jitter_ms": "greater_than_equal",
            "underruns": "missing",
            "nonsense": "unknown",
        },
    )


def test_it_names_the_other_problems_of_an_event_of_no_kind(refused):
    sent = {"event_kind": "NOISE", "created_at": "now", "phrase_id": 1, "nonsense": None}
    assert_invalid(
        refused(sent),
        {
            "event_kind": "enum",
            "created_at": "int_type",
            "tenant_id": "missing",
            "device_id": "missing",
            "idempotency_key": "missing",
            "nonsense": "unknown",
        },
    )


@pytest.mark.parametrize("body", ["[]", "1", "nonsense", '"text"', "", "null"])
def test_it_rejects_what_is_no_object(client, cast, body):
    answer = client.post(URL, data=body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json["reason_code"] == INVALID
    assert cast.events() == []


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"device_id": "nobody"}, 404, "K_FAIL_DEVICE_UNBOUND"),
        ({"device_id": "device-3"}, 403, "K_FAIL_TENANT_SCOPE_MISMATCH"),
        ({"tenant_id": "tenant-2"}, 403, "K_FAIL_TENANT_SCOPE_MISMATCH"),
        ({"session_id": 99}, 404, "K_FAIL_SESSION_INVALID"),
        ({"session_id": 72}, 404, "K_FAIL_SESSION_INVALID"),
    ],
)
def test_it_rejects_what_is_not_the_tenants(refused, fields, status, reason):
    answer = refused(event(**fields))
    assert answer.status_code == status
    assert answer.json["reason_code"] == reason
    assert set(answer.json) == {"detail", "reason_code"}
