"""``.`` and ``..`` are no identifiers: clients resolve them in a URL's path."""

import pytest

from tests.support.audio_runtime import event
from tests.support.errors import assert_batch_errors, assert_error, problem_types
from tests.support.runs import minimal_run

DOTS = [".", ".."]
RUNS = "/api/v1/runs"
LEDGER = "/api/v1/audio-runtime"


@pytest.mark.parametrize("dots", DOTS)
@pytest.mark.parametrize("more", [{}, {"unknown": 1}])  # the decoder, and the schema
def test_a_run_may_not_be_named_so(client, dots, more):
    response = client.post(RUNS, json=minimal_run(dots, **more))
    assert problem_types(assert_error(response, 422)) == {("body", "event_id"): "identifier"}
    batch = client.post(f"{RUNS}/batch", json=[minimal_run(dots, **more), minimal_run("e...")])
    assert batch.json["inserted"] == 1
    assert_batch_errors(batch.json, "event_id", {0: dots})


@pytest.mark.parametrize("dots", DOTS)
@pytest.mark.parametrize("field", ["tenant_id", "device_id"])
def test_a_tenant_or_device_may_not_be_named_so(client, dots, field):
    expected = {("body", field): "name"}
    for method, url, body in [
        ("POST", f"{LEDGER}/events", event("VAD_EVENT", **{field: dots})),
        ("POST", f"{LEDGER}/rebuild", {"tenant_id": "tenant-1", field: dots}),
        ("PUT", "/api/v1/sessions/1", {"tenant_id": "t", "device_id": "d", field: dots}),
    ]:
        response = client.open(url, method=method, json=body)
        assert problem_types(response.json["detail"]) == expected


@pytest.mark.parametrize("dots", DOTS)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{RUNS}/%s", 404),
        ("GET", f"{RUNS}/%s/repo-url", 404),
        ("PATCH", f"{RUNS}/%s", 404),
        ("PUT", "/api/v1/devices/%s", 422),
        ("PUT", "/api/v1/sessions/%s", 422),
        ("GET", f"{LEDGER}/current/tenant-1/%s", 422),
        ("GET", f"{LEDGER}/current/%s/device-1", 422),
    ],
)
def test_a_path_with_dots_names_nothing(client, dots, method, path, status):
    bodies = {"PATCH": {"status": "success"}, "PUT": {"tenant_id": "tenant-1", "device_id": "d"}}
    body = bodies.get(method)
    response = client.open(
        "/", method=method, json=body, environ_overrides={"PATH_INFO": path % dots}
    )
    assert response.status_code == status
    assert response.json["detail"]
