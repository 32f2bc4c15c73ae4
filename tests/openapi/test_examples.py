"""The examples of the document are what the service accepts and returns, one after the other."""

import json
import re

import pytest

from telemetry.openapi.views import DOCUMENT
from tests.support.service import PROJECT

PARSED = json.loads(DOCUMENT.read_text(encoding="utf-8"))

OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in PARSED["paths"].items()
    for method, operation in methods.items()
}

# In this order, each request finds what its example says.
STORY = (
    "postApiV1Runs 201",
    "postApiV1Runs 200",
    "getApiV1Runs 200",
    "getApiV1RunsEventId 200",
    "getApiV1RunsEventIdRepoUrl 200",
    "getApiV1FeedRuns 200",
    "getApiV1Metadata 200",
    "postApiV1RunsBatch 200",
    "patchApiV1RunsEventId 200",
    "postApiV1RunsEventIdAssociateCommit 200",
    "getApiV1RunsEventIdCommitUrl 200",
    "postApiRuntimeEvents 201",
    "postApiRuntimeEvents 200",
    "getApiRuntimeEvents 200",
    "getApiV1FeedRuntimeEvents 200",
    "getApiRuntimeChangeToken 200",
    "postApiRuntimeEventsBatch 200",
    "getApiRuntimeEndpointsSummary 200",
    "getApiRuntimeIdeasSummary 200",
    "putApiV1DevicesDeviceId 201",
    "putApiV1DevicesDeviceId 200",
    "putApiV1SessionsSessionId 201",
    "putApiV1SessionsSessionId 200",
    "postApiV1AudioRuntimeEvents 201",
    "postApiV1AudioRuntimeEvents 200",
    "getApiV1AudioRuntimeEvents 200",
    "getApiV1FeedAudioRuntime 200",
    "getApiV1AudioRuntimeCurrent 200",
    "getApiV1AudioRuntimeCurrentTenantIdDeviceId 200",
    "getApiV1AudioRuntimeHeads 200",
    "getApiV1AuditEvents 200",
    "postApiV1AudioRuntimeEventsBatch 200",
    "postApiV1AudioRuntimeRebuild 200",
    "getMetrics 200",
    "getHealth 200",
    "getApiHealth 200",
    "getApiReady 200",
    "getApiHealthPersistence 200",
    "getApiPing 200",
    "getVersion 200",
    "getApiVersion 200",
)

# Requests that are refused as the example of a response says, after the story.
REFUSED = (
    ("getApiV1RunsEventId 404", "/api/v1/runs/no-such-run", None),
    ("getApiV1Runs 422", "/api/v1/runs?limit=many", None),
    ("getApiV1Runs 400", "/api/v1/runs?status=done", None),
    ("patchApiV1RunsEventId 400", "/api/v1/runs/first-run", {}),
    ("patchApiV1RunsEventId 409", "/api/v1/runs/first-run", {"status": "running"}),
    (
        "postApiV1RunsBatch 422",
        "/api/v1/runs/batch",
        [
            {
                "event_id": "third-run",
                "agent_name": "my-agent",
                "job_type": "demo",
                "start_time": "2026-01-31T12:10:00Z",
            }
        ],
    ),
    (
        "postApiRuntimeEventsBatch 422",
        "/api/runtime/events/batch",
        [{"source": "api", "endpoint": "/api/ideas"}],
    ),
    (
        "postApiV1AudioRuntimeEventsBatch 422",
        "/api/v1/audio-runtime/events/batch",
        [
            {
                "tenant_id": "acme",
                "device_id": "kitchen-1",
                "event_kind": "VAD_EVENT",
                "idempotency_key": "vad-2",
                "processed_stream_id": "stream-1",
            }
        ],
    ),
    ("putApiV1DevicesDeviceId 409", "/api/v1/devices/kitchen-1", {"tenant_id": "other"}),
    (
        "postApiV1AudioRuntimeEvents 404",
        "/api/v1/audio-runtime/events",
        {
            "tenant_id": "acme",
            "device_id": "kitchen-2",
            "event_kind": "TTS_PLAYBACK_ACTIVE",
            "created_at": 1,
            "idempotency_key": "tts-2",
            "tts_playback_active": True,
        },
    ),
)

# What differs from one service, or one moment, to another.
VOLATILE = {
    *("timestamp", "started_at", "uptime_human", "uptime_seconds", "deployed_sha", "version"),
    *("checked_at", "created_at", "updated_at", "recorded_at", "row_hash", "token", "next"),
    *("event_id", "last_event_id", "source_event_id", "audit_event_id"),
    "duration_ms",
}


def resolved(part):
    if "$ref" not in part:
        return part
    found = PARSED
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def example_of(operation, status):
    return resolved(operation["responses"][status])["content"]["application/json"]["example"]


def masked(value, name=""):
    """Return a value with the type in place of what is volatile."""
    if isinstance(value, dict):
        return {key: masked(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(it) for it in value]
    is_volatile = name in VOLATILE and not (name == "event_id" and isinstance(value, str))
    if is_volatile and value is not None:
        return "a number" if isinstance(value, int | float) else "a text"
    return value


def send(client, name, content_type="application/json"):
    """Send the example of an operation, with the parameters that it needs."""
    method, path, operation = OPERATIONS[name]
    parameters = operation.get("parameters", ())
    names = {it["name"]: it["example"] for it in parameters if it["in"] == "path"}
    query = {
        it["name"]: it["example"] for it in parameters if it["in"] == "query" and it["required"]
    }
    content = operation.get("requestBody", {}).get("content", {}).get(content_type)
    body = {}
    if content and content_type == "application/json":
        body = {"json": content["example"]}
    elif content:
        body = {"data": content["example"], "content_type": content_type}
    return client.open(path.format(**names), method=method, query_string=query, **body)


def test_the_examples_tell_a_story(client):
    for step in STORY:
        name, status = step.split()
        response = send(client, name)
        assert response.status_code == int(status), (step, response.text)
        assert masked(response.json) == masked(example_of(OPERATIONS[name][2], status)), step
    differing = []
    for step, path, body in REFUSED:
        name, status = step.split()
        response = client.open(path, method=OPERATIONS[name][0], json=body)
        assert response.status_code == int(status), (step, response.text)
        shown = json.dumps(masked(example_of(OPERATIONS[name][2], status)), ensure_ascii=False)
        got = json.dumps(masked(response.json), ensure_ascii=False)
        if not re.fullmatch(".*".join(map(re.escape, shown.split("…"))), got):
            differing.append(f"{step}: {got}")
    assert differing == []


def test_every_operation_is_in_the_story():
    assert {it.split()[0] for it in STORY} == OPERATIONS.keys() - {"getOpenapiJson"}


@pytest.mark.parametrize("name", ["postApiV1RunsBatch", "postApiV1AudioRuntimeEventsBatch"])
def test_json_lines_say_the_same_as_json(name):
    content = OPERATIONS[name][2]["requestBody"]["content"]
    (records,) = content["application/json"]["example"].values()
    text = content["application/x-ndjson"]["example"]
    assert [json.loads(it) for it in text.splitlines()] == records


@pytest.mark.parametrize(
    "path", [path for path, methods in PARSED["paths"].items() if "get" in methods]
)
def test_every_example_of_a_parameter_is_accepted(client, path):
    operation = PARSED["paths"][path]["get"]
    parameters = operation.get("parameters", ())
    names = {it["name"]: it["example"] for it in parameters if it["in"] == "path"}
    queries = [it for it in parameters if it["in"] == "query"]
    required = {it["name"]: it["example"] for it in queries if it["required"]}
    # "after" of a list by device needs the device.
    required |= {it["name"]: it["example"] for it in queries if it["name"] == "device_id"}
    for parameter in queries:
        query = {**required, parameter["name"]: parameter["example"]}
        response = client.get(path.format(**names), query_string=query)
        assert response.status_code == 200, (query, response.text)


def test_the_next_of_a_feed_is_a_cursor_of_it(client):
    for name, (_, path, operation) in OPERATIONS.items():
        if "Feed" in name:
            query = {"after": example_of(operation, "200")["next"]}
            if "Audio" in name:
                query["tenant_id"] = "acme"
            response = client.get(path, query_string=query)
            assert response.status_code == 200, response.text


def test_the_examples_of_errors_are_real(make_app):
    client = make_app(max_body_bytes=16 * 1024 * 1024).test_client()
    replies = PARSED["components"]["responses"]

    def detail(name):
        return replies[name]["content"]["application/json"]["example"]["detail"]

    large = client.post(
        "/api/v1/runs", data=b" " * (16 * 1024 * 1024 + 1), content_type="application/json"
    )
    assert (large.status_code, large.json["detail"]) == (413, detail("TooLarge"))
    other = client.post("/api/v1/runs", data=b"x", content_type="text/plain")
    assert (other.status_code, other.json["detail"]) == (415, detail("UnsupportedMediaType"))
    run = {"event_id": "a", "run_id": "b", "agent_name": "c", "job_type": "d"}
    late = client.post("/api/v1/runs", json={**run, "start_time": "2026-01-31T12:00:00"})
    assert (late.status_code, late.json["detail"]) == (422, detail("InvalidBody"))
    constraint = detail("BadBody").rpartition(" ")[2]
    assert f"CONSTRAINT {constraint} " in (PROJECT / "sql/schema.sql").read_text()
