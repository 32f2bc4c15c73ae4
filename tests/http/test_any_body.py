"""Whatever the bytes of a body, the response is never 500."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.audio_runtime import event
from tests.support.runs import minimal_run
from tests.support.runtime_events import full_event

COMMIT = {"commit_hash": "abcdef0", "commit_source": "ci"}
VAD = event("VAD_EVENT")
ENDPOINTS = {
    "POST /api/v1/runs": minimal_run("e1", context_json={"a": [1, "ü"]}),
    "POST /api/v1/runs/batch": {"runs": [minimal_run("e1")], "x": 1},
    "PATCH /api/v1/runs/e1": {"status": "success", "metrics_json": {"a": 1.5}},
    "POST /api/v1/runs/e1/associate-commit": COMMIT,
    "POST /api/runtime/events": full_event(id="e1"),
    "POST /api/runtime/events/batch": [full_event(id="e1"), full_event(id="e2")],
    "PUT /api/v1/devices/device-1": {"tenant_id": "tenant-1", "device_type": "x"},
    "PUT /api/v1/sessions/1": {"tenant_id": "tenant-1", "device_id": "device-1"},
    "POST /api/v1/audio-runtime/events": VAD,
    "POST /api/v1/audio-runtime/events/batch": {"events": [VAD]},
    "POST /api/v1/audio-runtime/rebuild": {"tenant_id": "tenant-1", "device_id": "device-1"},
}
CONTENT_TYPES = ["application/json", "application/x-ndjson"]
# fmt: off
ODD = [
    b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\0", b"\\u0000", b"\\ud800", b'"\xff"',
    b'{"\xff":1}',
    b"NaN", b"1e400", b"1e-400", b"-0", b"1" * 400, b"9223372036854775808", b"null", b"{}", b'"',
    b"\n", b'{"a":1,"a":2}', b"[" * 2000, b'{"a":' * 2000,
]
# fmt: on
PIECES = st.binary(max_size=8) | st.sampled_from(ODD)


@st.composite
def bodies(draw, good):
    """Any bytes, or a good body with pieces of it replaced."""
    if draw(st.booleans()):
        body = draw(st.binary(max_size=200) | PIECES)
    else:
        body = json.dumps(good, ensure_ascii=False).encode()
        for _ in range(draw(st.integers(1, 3))):
            start = draw(st.integers(0, len(body)))
            body = body[:start] + draw(PIECES) + body[start + draw(st.integers(0, 20)) :]
    return draw(st.sampled_from([body, body, gzip.compress(body)]))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_body_is_500(client, endpoint):
    method, url = endpoint.split()
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})

    @settings(
        max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(bodies(ENDPOINTS[endpoint]), st.sampled_from(CONTENT_TYPES), st.booleans())
    @example(b'{"\xff":1}', CONTENT_TYPES[0], False)
    @example(b'{"runs":[],"\xff":1}', CONTENT_TYPES[0], False)
    @example(b'{"events":[],"\xff":[{"\xff":1}]}', CONTENT_TYPES[0], False)
    @example(b'{"\xff":1}', CONTENT_TYPES[1], False)
    def check(body, content_type, encoded):
        headers = {"Content-Encoding": "gzip"} if encoded or body[:2] == b"\x1f\x8b" else {}
        response = client.open(
            url, method=method, data=body, content_type=content_type, headers=headers
        )
        assert response.status_code < 500, response.json
        if response.status_code >= 400:
            assert response.json.get("detail") or response.json["errors"]

    check()
