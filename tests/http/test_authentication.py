"""The Bearer token that guards every endpoint but the health endpoints."""

import pytest

from tests.support.errors import assert_error

USAGE = "Use: Authorization: Bearer <token>"


@pytest.fixture
def guarded(make_app):
    return make_app(auth_enabled=True, auth_token="t0ken").test_client()


def test_it_works(guarded):
    response = guarded.get("/api/v1/runs", headers={"Authorization": "Bearer t0ken"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, f"Authorization header required. {USAGE}"),
        ("t0ken", f"Invalid authorization format. {USAGE}"),
        ("Basic t0ken", f"Invalid authorization format. {USAGE}"),
        ("Bearer", f"Invalid authorization format. {USAGE}"),
        ("Bearer ", f"Invalid authorization format. {USAGE}"),
        ("Bearer wrong", "Invalid authentication token"),
        ("Bearer t0ken2", "Invalid authentication token"),
        ("Bearer tökén", "Invalid authentication token"),
    ],
)
def test_a_missing_or_wrong_token_is_401(guarded, header, detail):
    response = guarded.get("/api/v1/runs", headers={"Authorization": header} if header else {})
    assert_error(response, 401, detail)
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path", ["/health", "/api/health", "/api/ready", "/api/health/persistence"]
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_health_endpoints_need_no_token(guarded, path, slash):
    assert guarded.get(path + slash).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/version",
        "/version/",
        "/api/version",
        "/api/ping",
        "/metrics",
        "/api/v1/metadata",
        "/nothing",
        "/health//",
        "/",
    ],
)
def test_every_other_path_needs_the_token(guarded, path):
    assert_error(guarded.get(path), 401)


def test_no_token_is_needed_by_default(client):
    assert client.get("/version").status_code == 200
