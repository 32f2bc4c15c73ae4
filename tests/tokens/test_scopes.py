"""A token may do what its scopes say, and nothing else."""

import pytest

from telemetry.http.caller import PAGES, SCOPES, caller, needs_of
from telemetry.http.health_paths import HEALTH_PATHS
from tests.support.audio_runtime import event
from tests.support.errors import assert_error
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event
from tests.tokens.conftest import ENVIRONMENT

BODIES = {
    "/api/v1/runs": minimal_run(),
    "/api/runtime/events": minimal_event(),
    "/api/v1/audio-runtime/events": event(tenant_id="t", device_id="d"),
}


def test_every_endpoint_declares_what_it_needs(app):
    declared = needs_of(app)
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == declared.keys()
    used = {scope for need in declared.values() for scope in need.scopes}
    assert used == {*SCOPES}
    for rule in app.url_map.iter_rules():
        need = declared[rule.endpoint]
        if rule.rule.startswith("/api/v1/") and not need.scopes:
            raise AssertionError(f"{rule} needs no scope")
        writes = rule.methods & {"POST", "PUT", "PATCH", "DELETE"}
        if need is not PAGES and need.scopes:
            assert all(scope.endswith(":write") == bool(writes) for scope in need.scopes), rule


def requests(app):
    """Yield method, path and need of each endpoint that needs a scope."""
    declared = needs_of(app)
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<", "").replace(">", "")
        for method in rule.methods - {"OPTIONS"}:
            if path not in HEALTH_PATHS and not path.startswith("/sign-"):
                yield method, path, declared[rule.endpoint]


def test_a_missing_scope_is_403_and_names_it(app, create, as_token):
    """For every endpoint, with a token that has every scope but one of those it needs."""
    lacking = {it: create(it.replace(":", "-"), *all_but(it)) for it in SCOPES}
    for method, path, need in requests(app):
        for scope in need.scopes:
            response = as_token(lacking[scope], method, path, json={})
            assert response.status_code == 403, (method, path)
            if method != "HEAD":
                assert_error(response, 403, f"The token needs the scope {scope}")


def all_but(scope):
    return [it for it in SCOPES if it != scope]


def test_one_scope_is_enough(app, create, as_token):
    tokens = {scope: create(scope.replace(":", "-"), scope) for scope in SCOPES}
    tokens["admin"] = create("admin", "admin")
    for method, path, need in requests(app):
        if need is PAGES:
            continue
        allowed = {scope for scope in tokens if scope in need.scopes} or {*tokens}
        for scope in allowed | {"admin"}:
            response = as_token(tokens[scope], method, path, json={})
            assert response.status_code not in (401, 403, 500), (method, path, response.data)


@pytest.mark.parametrize(
    "path", ["/version", "/api/version", "/api/ping", "/openapi.json", "/docs"]
)
def test_some_endpoints_take_any_token(create, as_token, path):
    assert as_token(create("a", "audio:write"), "GET", path).status_code == 200


def test_nothing_is_allowed_before_the_token_was_checked(app):
    with app.test_request_context("/api/v1/runs"):
        found = caller()
    assert found.lacks(PAGES)
    assert not found.may_use("tenant-a")
    assert not found.may_report("agent")


def test_an_unknown_path_and_method_are_as_for_any_token(create, as_token):
    text = create("a", "runs:read")
    assert as_token(text, "GET", "/nothing").status_code == 404
    assert as_token(text, "DELETE", "/api/v1/runs").status_code == 405


def test_the_token_of_the_environment_may_do_everything(as_token):
    for path, body in BODIES.items():
        assert as_token(ENVIRONMENT, "POST", path, json=body).status_code in (201, 404)
    assert as_token(ENVIRONMENT, "GET", "/runs", headers={"Accept": "text/html"}).status_code == 200


def test_the_log_has_the_name_of_the_token_and_never_the_token(create, as_token, caplog):
    caplog.set_level("INFO")
    text = create("reader", "runs:read")
    as_token(text, "POST", "/api/v1/runs", json=minimal_run())
    as_token(text, "GET", "/api/v1/runs")
    refused, allowed = [it for it in caplog.records if it.name == "telemetry.request"]
    assert refused.token == allowed.token == "reader"
    assert refused.getMessage() == "POST /api/v1/runs 403: The token needs the scope runs:write"
    assert text not in caplog.text
