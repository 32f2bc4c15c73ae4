"""Any valid events give the state that a replay gives; any invalid one changes nothing."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.audio_runtime import KIND_FIELDS, event
from tests.support.replay import replay

URL = "/api/v1/audio-runtime/events"

# The database outlives the examples, so each has a device of its own to begin with.
OVER_ONE_DATABASE = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

counts = st.integers(0, 2**63 - 1)
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=64
)
streams = st.one_of(texts, st.integers(0, 2**128 - 1))
doubles = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(0, allow_nan=False, allow_infinity=False)
FIELDS = {
    "STREAM_REFS": {
        "processed_stream_id": streams,
        "raw_stream_id": streams,
        "pre_roll_buffer_id": counts,
    },
    "VAD_EVENT": {"processed_stream_id": streams},
    "DEVICE_STATE": {
        "selected_mic": texts,
        "selected_speaker": texts,
        "device_health": st.sampled_from(["HEALTHY", "DEGRADED", "FAILED"]),
    },
    "TIMING_STATS": {
        "jitter_ms": positive,
        "drift_ppm": doubles,
        "buffer_depth_ms": positive,
        "underruns": counts,
        "overruns": counts,
    },
    "INTERRUPT_CANDIDATE": {"phrase_id": counts, "phrase_text": texts, "reason_code": counts},
    "DEGRADATION_FLAGS": dict.fromkeys(KIND_FIELDS["DEGRADATION_FLAGS"], st.booleans()),
    "TTS_PLAYBACK_ACTIVE": {"tts_playback_active": st.booleans()},
}


@st.composite
def valid_events(draw):
    kind = draw(st.sampled_from(sorted(FIELDS)))
    fields = {name: draw(strategy) for name, strategy in FIELDS[kind].items()}
    if kind == "STREAM_REFS" and draw(st.booleans()):
        del fields["raw_stream_id"]
    if draw(st.booleans()):
        fields["session_id"] = 71
    fields["created_at"] = draw(counts)
    sent = event(kind, **fields)
    if "raw_stream_id" not in fields:
        sent.pop("raw_stream_id", None)
    return sent


def as_stored(sent):
    streams = ("processed_stream_id", "raw_stream_id")
    return {name: str(value) if name in streams else value for name, value in sent.items()}


@OVER_ONE_DATABASE
@given(events=st.lists(valid_events(), min_size=1, max_size=12), cuts=st.data())
def test_any_events_give_what_a_replay_of_them_gives(client, ledger, events, cuts):
    device = ledger.new_device()
    for sent in events:
        sent["device_id"] = device
    cut = cuts.draw(st.integers(0, len(events)))
    results = client.post(f"{URL}/batch", json=events[:cut]).json["results"]
    results += [client.post(URL, json=sent).json for sent in events[cut:]]
    stored = [
        {**as_stored(sent), "event_id": result["event_id"]}
        for sent, result in zip(events, results, strict=True)
    ]
    assert ledger.current()["tenant-1", device] == replay(stored)["tenant-1", device]
    assert ledger.verify() == []


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=200),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)


@OVER_ONE_DATABASE
@given(sent=valid_events(), name=st.text(max_size=20), value=junk, drop=st.booleans())
def test_any_invalid_event_changes_nothing(client, ledger, sent, name, value, drop):
    """A required field is left out, or one that nobody knows is there."""
    if not ledger.rows("os_core.devices"):
        ledger.bind({"device-1": "tenant-1"})
        ledger.open({71: ("tenant-1", "device-1")})
    required = sorted(sent.keys() - {"raw_stream_id", "session_id"})
    if drop:
        del sent[required[len(name) % len(required)]]
    else:
        sent[f"x{name}"] = value
    before = ledger.everything()
    answer = client.post(URL, json=sent)
    assert answer.status_code == 422
    assert answer.json["reason_code"] == "K_FAIL_EVENT_FIELDS_INVALID"
    assert ledger.everything() == before
