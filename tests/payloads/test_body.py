"""Bodies in every form that clients send: compressed, with a byte order mark, as JSON Lines."""

import gzip
import json
import tracemalloc
import zlib
from io import BytesIO

import pytest

from telemetry.payloads.compression import MAX_MEMBERS
from tests.support.audio_runtime import event
from tests.support.errors import assert_error, assert_problems
from tests.support.runs import minimal_run

RUNS = "/api/v1/runs"
BATCH = "/api/v1/runs/batch"
JSON = "application/json"
JSON_LINES = ["x-ndjson", "ndjson", "jsonl", "x-jsonlines"]
MARK = b"\xef\xbb\xbf"
MIB = 1024 * 1024


def encoded(value):
    return json.dumps(value).encode()


RUN = encoded(minimal_run())


def post(client, body, url=RUNS, *, encoding="gzip", content_type=JSON, chunked=False):
    headers = {"Content-Encoding": encoding} if encoding else {}
    if chunked:
        environ = {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True}
        environ |= {"HTTP_TRANSFER_ENCODING": "chunked"}
        return client.post(
            url, headers=headers, content_type=content_type, environ_overrides=environ
        )
    return client.post(url, data=body, headers=headers, content_type=content_type)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(RUN, mtime=0)),
        (" GZIP ", gzip.compress(RUN, mtime=0)),
        ("x-gzip", gzip.compress(RUN, mtime=0)),
        ("identity", RUN),
        ("", RUN),
    ],
)
def test_a_body_may_be_compressed_with_gzip(client, chunked, encoding, body):
    assert post(client, body, encoding=encoding, chunked=chunked).status_code == 201


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", BATCH, [minimal_run()]),
        ("PATCH", f"{RUNS}/event-1", {"status": "success"}),
        ("POST", "/api/runtime/events", {"source": "api", "endpoint": "/x", "runtime_ms": 1}),
        ("PUT", "/api/v1/devices/device-9", {"tenant_id": "tenant-1"}),
    ],
)
def test_every_endpoint_takes_gzip(client, method, url, body):
    client.post(RUNS, json=minimal_run("event-1"))
    response = client.open(
        url,
        method=method,
        data=gzip.compress(encoded(body)),
        content_type=JSON,
        headers={"Content-Encoding": "gzip"},
    )
    assert response.status_code in (200, 201)


@pytest.mark.parametrize(
    "encoding", ["br", "deflate", "compress", "zstd", "gzip, gzip", "identity, gzip", "*"]
)
def test_another_encoding_is_415(client, encoding):
    response = post(client, gzip.compress(RUN, mtime=0), encoding=encoding)
    assert "gzip" in assert_error(response, 415)
    assert response.headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        RUN,
        gzip.compress(RUN, mtime=0)[:-1],
        gzip.compress(RUN, mtime=0)[:-9],
        gzip.compress(RUN, mtime=0)[:10],
        gzip.compress(RUN, mtime=0)[:-8] + b"\0" * 8,
        gzip.compress(RUN, mtime=0) + b"x",
        gzip.compress(RUN, mtime=0) + b"\0" * 10,
        gzip.compress(RUN, mtime=0) + gzip.compress(b" ", mtime=0)[:-1],
        zlib.compress(RUN),
        gzip.compress(b"", mtime=0) * (MAX_MEMBERS + 1),
    ],
)
def test_damaged_gzip_is_422(client, body, chunked):
    assert_problems(post(client, body, chunked=chunked), {"body": "gzip_invalid"}, start=())


def test_gzip_may_have_several_members(client):
    members = [RUN[:40], b"", RUN[40:], *[b""] * (MAX_MEMBERS - 3)]
    assert post(client, b"".join(map(gzip.compress, members))).status_code == 201


@pytest.mark.parametrize("chunked", [False, True])
def test_a_compressed_body_counts_as_long_as_it_is_decompressed(make_app, chunked):
    body = encoded(minimal_run(output_summary="x" * 200_000))
    for limit, status in ((len(body) - 1, 413), (len(body), 201)):
        client = make_app(max_body_bytes=limit).test_client()
        assert post(client, gzip.compress(body), chunked=chunked).status_code == status


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_too_long_before_it_is_decompressed(make_app, chunked):
    client = make_app(max_body_bytes=1000).test_client()
    assert_error(post(client, gzip.compress(b"") * 60, chunked=chunked), 413)


@pytest.fixture(scope="module")
def bomb():
    """A gibibyte of spaces, compressed."""
    blank = zlib.compressobj(wbits=31, strategy=zlib.Z_RLE)
    return b"".join(blank.compress(b" " * MIB) for _ in range(1024)) + blank.flush()


@pytest.mark.long
@pytest.mark.parametrize("chunked", [False, True])
def test_a_decompression_bomb_takes_little_memory(client, bomb, chunked):
    tracemalloc.start()
    try:
        response = post(client, bomb, chunked=chunked)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert_error(response, 413)
    assert peak < 40 * MIB


@pytest.mark.parametrize("kind", JSON_LINES)
@pytest.mark.parametrize("url", [BATCH, "/api/runtime/events/batch"])
def test_json_lines_have_several_names(client, url, kind):
    record = {**minimal_run(), "source": "api", "endpoint": "/x", "runtime_ms": 1}
    body = encoded(record) + b"\n" + encoded({**record, "event_id": "event-2"})
    response = post(client, body, url, encoding=None, content_type=f"application/{kind}")
    assert response.json["inserted"] == 2


def test_the_ledger_takes_json_lines_by_every_name(client):
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    for number, kind in enumerate(JSON_LINES):
        body = encoded(event("VAD_EVENT", idempotency_key=str(number)))
        url = "/api/v1/audio-runtime/events/batch"
        response = post(client, body, url, encoding=None, content_type=f"application/{kind}")
        assert response.json["inserted"] == 1


@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("url", "content_type", "body"),
    [
        (RUNS, JSON, RUN),
        (RUNS, JSON, encoded(minimal_run(unknown=1))),  # the parser, not the decoder
        (BATCH, JSON, b"[" + RUN + b"]"),
        (BATCH, JSON, b'{"runs": [' + RUN + b"]}"),
        (BATCH, JSON, b"[" + RUN + b', {"a": NaN}]'),
        (BATCH, "application/jsonl", RUN),
    ],
)
def test_a_byte_order_mark_before_a_body_is_skipped(client, url, content_type, body, wrap):
    encoding = None if wrap is bytes else "gzip"
    response = post(client, wrap(MARK + body), url, encoding=encoding, content_type=content_type)
    assert response.status_code in (200, 201)
    assert response.json.get("inserted", 1) == 1


@pytest.mark.parametrize("body", [MARK, MARK + MARK + RUN, RUN + MARK, b" " + MARK + RUN])
def test_a_byte_order_mark_anywhere_else_is_422(client, body):
    assert_problems(post(client, body, encoding=None), {"body": "json_invalid"}, start=())
