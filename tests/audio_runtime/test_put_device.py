"""PUT /api/v1/devices/{device_id} and PUT /api/v1/sessions/{session_id}."""

import pytest

from tests.support.errors import assert_problems

TENANT_1 = {"tenant_id": "tenant-1"}


def test_it_works(client, ledger):
    body = {**TENANT_1, "device_type": "speaker"}
    answer = client.put("/api/v1/devices/device-1", json=body)
    assert answer.status_code == 201
    assert answer.json == {"status": "created", "device_id": "device-1", **body}
    row = ledger.rows("os_core.devices")[0]
    assert {name: row[name] for name in body} == body
    head = ledger.rows("os_core.audio_runtime_heads")[0]
    assert (head["event_id"], head["row_hash"]) == (None, bytes(32))


def test_it_is_idempotent_and_takes_another_type(client, ledger):
    url = "/api/v1/devices/device-1"
    client.put(url, json={**TENANT_1, "device_type": "speaker"})
    for body, stored in (
        (TENANT_1, "speaker"),
        ({**TENANT_1, "device_type": None}, "speaker"),
        ({**TENANT_1, "device_type": "headset"}, "headset"),
    ):
        answer = client.put(url, json=body)
        assert answer.status_code == 200
        assert answer.json["status"] == "exists"
        assert ledger.rows("os_core.devices")[0]["device_type"] == stored


def test_a_device_stays_with_its_tenant(client, ledger):
    client.put("/api/v1/devices/device-1", json=TENANT_1)
    before = ledger.rows("os_core.devices")
    answer = client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-2"})
    assert (answer.status_code, answer.json["reason_code"]) == (409, "K_FAIL_TENANT_SCOPE_MISMATCH")
    assert ledger.rows("os_core.devices") == before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"tenant_id": "missing"}),
        ({"tenant_id": "a b", "device_type": None}, {"tenant_id": "name"}),
        ({"tenant_id": None}, {"tenant_id": "missing"}),
        ({"tenant_id": 1, "color": 1}, {"tenant_id": "string_type", "color": "unknown"}),
        ({**TENANT_1, "device_type": ""}, {"device_type": "string_too_short"}),
    ],
)
def test_it_rejects_bad_fields(client, ledger, body, expected):
    answer = client.put("/api/v1/devices/device-1", json=body)
    assert_problems(answer, expected, reason_code="K_FAIL_EVENT_FIELDS_INVALID")
    assert ledger.rows("os_core.devices") == []


@pytest.mark.parametrize("name", ["a%20b", "%C3%A4", "d" * 129, "a%0A"])
def test_it_rejects_a_bad_name(client, name):
    answer = client.put(f"/api/v1/devices/{name}", json=TENANT_1)
    assert answer.status_code == 422
    assert answer.json["detail"][0]["loc"] == ["path", "device_id"]


def test_a_session_opens_on_a_device_and_may_move(client, cast):
    url, body = "/api/v1/sessions/5", {**TENANT_1, "device_id": "device-1"}
    answer = client.put(url, json=body)
    assert answer.status_code == 201
    assert answer.json == {"status": "created", "session_id": 5, **body}
    assert client.put(url, json=body).status_code == 200
    moved = client.put(url, json={**TENANT_1, "device_id": "device-2"})
    assert (moved.status_code, moved.json["device_id"]) == (200, "device-2")
    assert cast.rows("os_core.sessions")[0]["device_id"] == "device-2"


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({**TENANT_1, "device_id": "nobody"}, 404, "K_FAIL_DEVICE_UNBOUND"),
        ({**TENANT_1, "device_id": "device-3"}, 404, "K_FAIL_DEVICE_UNBOUND"),
        (
            {"tenant_id": "tenant-2", "device_id": "device-3"},
            409,
            "K_FAIL_TENANT_SCOPE_MISMATCH",
        ),
    ],
)
def test_a_session_is_of_one_tenant(client, cast, body, status, reason):
    before = cast.rows("os_core.sessions")
    answer = client.put("/api/v1/sessions/71", json=body)
    assert (answer.status_code, answer.json["reason_code"]) == (status, reason)
    assert cast.rows("os_core.sessions") == before


@pytest.mark.parametrize("number", ["x", "-1", "1.5", str(2**63), "9" * 30])
def test_a_session_is_named_by_a_number(client, cast, number):
    body = {**TENANT_1, "device_id": "device-1"}
    answer = client.put(f"/api/v1/sessions/{number}", json=body)
    assert answer.status_code == 422
    assert answer.json["detail"][0]["loc"] == ["path", "session_id"]
