"""The Bearer token."""

import pytest

from tests.support.errors import assert_detail

USAGE = "Use: Authorization: Bearer <token>"


@pytest.fixture
def guarded(make_app):
    return make_app(auth_enabled=True, auth_token="t0ken").test_client()


def test_it_works(guarded):
    answer = guarded.get("/api/v1/runs", headers={"Authorization": "Bearer t0ken"})
    assert answer.status_code == 200


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
def test_it_rejects(guarded, header, detail):
    answer = guarded.get("/api/v1/runs", headers={"Authorization": header} if header else {})
    assert_detail(answer, 401, detail)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/health", "/api/health", "/api/ready"])
def test_the_health_pages_are_open(guarded, path):
    assert guarded.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/version", "/metrics", "/api/v1/metadata", "/nothing"])
def test_everything_else_is_guarded(guarded, path):
    assert guarded.get(path).status_code == 401


def test_no_token_is_asked_for_by_default(client):
    assert client.get("/version").status_code == 200
