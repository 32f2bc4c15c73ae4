"""For a token that is bound to tenants, every other tenant is like one that does not exist."""

from urllib.parse import quote

import pytest

from telemetry.http.caller import needs_of
from tests.support.audio_runtime import event
from tests.support.errors import assert_error
from tests.tokens.conftest import ENVIRONMENT

EVENTS = "/api/v1/audio-runtime/events"

READS = [
    "/api/v1/audio-runtime/events?tenant_id={tenant}",
    "/api/v1/audio-runtime/events?tenant_id={tenant}&device_id=device-b",
    "/api/v1/audio-runtime/events?tenant_id={tenant}&device_id=device-b&after=1&limit=1",
    "/api/v1/feed/audio-runtime?tenant_id={tenant}",
    "/api/v1/feed/audio-runtime?tenant_id={tenant}&after=now",
    "/api/v1/audio-runtime/current?tenant_id={tenant}",
    "/api/v1/audio-runtime/current?tenant_id={tenant}&limit=1",
    "/api/v1/audio-runtime/current/{tenant}/device-b",
    "/api/v1/audio-runtime/heads?tenant_id={tenant}",
    "/api/v1/audit/events?tenant_id={tenant}",
    "/api/v1/audit/events?tenant_id={tenant}&device_id=device-b",
]

OTHER, MISSING = "tenant-b", "tenant-x"  # of one length, so that whole responses can be compared


@pytest.fixture
def filled(as_token):
    """Two tenants with a device and two events each; the events of the second."""
    sent = []
    for tenant in ("tenant-a", OTHER):
        device = {"tenant_id": tenant, "device_id": f"device-{tenant[-1]}"}
        as_token(
            ENVIRONMENT, "PUT", f"/api/v1/devices/{device['device_id']}", json=device_body(tenant)
        )
        as_token(ENVIRONMENT, "PUT", f"/api/v1/sessions/{ord(tenant[-1])}", json=device)
        sent = [event(**device), event("DEVICE_STATE", **device)]
        for it in sent:
            assert as_token(ENVIRONMENT, "POST", EVENTS, json=it).status_code == 201
    return sent


def device_body(tenant):
    return {"tenant_id": tenant}


@pytest.fixture
def bound(create):
    return create("of-a", "audio:read", "audio:write", tenant="tenant-a")


def whole(response, tenant):
    """Return all of a response but its request id, with the name of the tenant left out."""
    headers = [it for it in response.headers if it[0] != "X-Request-ID"]
    return (response.status, headers, response.get_data().replace(tenant.encode(), b"T"))


def test_it_works_for_its_own_tenant(filled, bound, as_token):
    for read in READS:
        path = read.format(tenant="tenant-a").replace("device-b", "device-a")
        mine = as_token(bound, "GET", path)
        assert whole(mine, "") == whole(as_token(ENVIRONMENT, "GET", path), "")
        assert mine.status_code == 200
    own = event(tenant_id="tenant-a", device_id="device-a")
    assert as_token(bound, "POST", EVENTS, json=own).status_code == 201
    assert as_token(bound, "POST", EVENTS, json=own).json["status"] == "duplicate"


def test_a_read_of_another_tenant_is_as_of_one_that_does_not_exist(filled, bound, as_token):
    for path in READS:
        for method in ("GET", "HEAD"):
            assert_alike(bound, as_token, path, method)


def assert_alike(bound, as_token, path, method):
    other = as_token(bound, method, path.format(tenant=OTHER))
    missing = as_token(bound, method, path.format(tenant=MISSING))
    really = as_token(ENVIRONMENT, method, path.format(tenant=MISSING))
    if "feed" in path and method == "GET":  # the cursor names the tenant
        assert other.json["items"] == missing.json["items"] == really.json["items"] == []
        assert len(other.data) == len(missing.data) == len(really.data)
    else:
        assert whole(other, OTHER) == whole(missing, MISSING) == whole(really, MISSING)


def test_a_cursor_of_another_tenant_leads_to_nothing(filled, bound, as_token):
    path = f"/api/v1/feed/audio-runtime?tenant_id={OTHER}&limit=1"
    page = as_token(ENVIRONMENT, "GET", path).json
    assert page["has_more"]
    following = as_token(bound, "GET", f"{path}&after={quote(page['next'])}").json
    assert (following["items"], following["has_more"]) == ([], False)


def test_every_endpoint_with_a_tenant_is_covered(app):
    """A new endpoint of the ledger needs a line above, or a test below."""
    covered = {path.partition("?")[0].replace("{tenant}", "<tenant_id>") for path in READS}
    covered = {it.replace("/device-b", "/<device_id>") for it in covered} | {
        EVENTS,
        f"{EVENTS}/batch",
        "/api/v1/audio-runtime/rebuild",
        "/api/v1/devices/<device_id>",
        "/api/v1/sessions/<session_id>",
    }
    needs = needs_of(app)
    found = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if any(it.startswith("audio:") for it in needs[rule.endpoint].scopes)
        and not needs[rule.endpoint].every_tenant
    }
    assert found == covered


def test_an_append_is_refused_as_for_an_unbound_device(filled, bound, as_token, db):
    count = "SELECT count(*) FROM os_core.audio_runtime_events"
    before = db.execute(count).fetchone()
    known, _ = filled
    responses = [
        as_token(bound, "POST", EVENTS, json={**known, "tenant_id": tenant})
        for tenant in (OTHER, MISSING)
    ]
    detail = f"Device device-b is not bound to tenant {OTHER}"
    assert_error(responses[0], 404, detail, reason_code="K_FAIL_DEVICE_UNBOUND")
    assert whole(responses[0], OTHER) == whole(responses[1], MISSING)
    nothing = event(tenant_id=MISSING, device_id="device-y")
    by_all = as_token(ENVIRONMENT, "POST", EVENTS, json=nothing)
    by_bound = as_token(bound, "POST", EVENTS, json={**nothing, "tenant_id": OTHER})
    assert whole(by_all, MISSING) == whole(by_bound, OTHER)
    assert db.execute(count).fetchone() == before


def test_a_batch_refuses_record_by_record(filled, bound, as_token):
    own = event(tenant_id="tenant-a", device_id="device-a")
    for other in (OTHER, MISSING):
        others = [{**it, "tenant_id": other} for it in filled]
        sent = [others[0], own, others[1]]
        response = as_token(bound, "POST", f"{EVENTS}/batch", json=sent)
        assert response.status_code == 200
        assert response.json["errors"] == [
            {
                "index": index,
                "reason_code": "K_FAIL_DEVICE_UNBOUND",
                "detail": f"Device device-b is not bound to tenant {other}",
            }
            for index in (0, 2)
        ]
        assert [it["index"] for it in response.json["results"]] == [1]
    nothing = as_token(bound, "POST", f"{EVENTS}/batch", json=filled)
    assert nothing.status_code == 422


def test_sessions_and_rebuild(filled, bound, as_token):
    for path, method, body in [
        ("/api/v1/sessions/98", "PUT", {"device_id": "device-b"}),
        ("/api/v1/sessions/500", "PUT", {"device_id": "device-b"}),
        ("/api/v1/audio-runtime/rebuild", "POST", {"device_id": "device-b"}),
    ]:
        other, missing = (
            as_token(bound, method, path, json={**body, "tenant_id": tenant})
            for tenant in (OTHER, MISSING)
        )
        really = as_token(ENVIRONMENT, method, path, json={**body, "tenant_id": MISSING})
        assert whole(other, OTHER) == whole(missing, MISSING) == whole(really, MISSING)
        assert other.json["reason_code"] == "K_FAIL_DEVICE_UNBOUND"
    rebuilt = as_token(bound, "POST", "/api/v1/audio-runtime/rebuild", json=device_body(OTHER))
    assert rebuilt.json == {**rebuilt.json, "devices": 0, "differed": 0}


def test_a_device_cannot_be_put_into_another_tenant(filled, bound, as_token, db):
    for device in ("device-a", "device-b", "device-new"):
        other, missing = (
            as_token(bound, "PUT", f"/api/v1/devices/{device}", json=device_body(tenant))
            for tenant in (OTHER, MISSING)
        )
        detail = f"The token is not bound to tenant {OTHER}"
        assert_error(other, 403, detail, reason_code="K_FAIL_TENANT_SCOPE_MISMATCH")
        assert whole(other, OTHER) == whole(missing, MISSING)
    assert len(db.execute("SELECT FROM os_core.devices").fetchall()) == 2


def test_pages_show_every_tenant_so_they_are_closed(create, as_token):
    text = create("a", "runs:read", "events:read", "audio:read", tenant="tenant-a")
    response = as_token(text, "GET", "/devices", headers={"Accept": "application/json"})
    assert_error(response, 403, "This shows every tenant, and the token is bound to some")
