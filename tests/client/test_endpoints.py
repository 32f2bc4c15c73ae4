"""The endpoints of web requests are few, whatever is asked for."""

import pytest

from telemetry.client.web.endpoints import OTHER, UNKNOWN, Endpoints, WebRequest, masked, plain


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("/api/v1/users", "/api/v1/users"),
        ("/api/v1/users/4711/orders", "/api/v1/users/{id}/orders"),
        ("/days/2026-01-31", "/days/{id}"),
        ("/users/someone@example.org", "/users/{id}"),
        ("/files/7d444840-9dc0-11d1-b245-5ffdce74fad2", "/files/{id}"),
        ("/commits/abcdef0123", "/commits/{id}"),
        ("/facade/decade", "/facade/decade"),
        ("/reset/dGhpcyBpcyBhIHRva2VuIDEy", "/reset/{id}"),
        ("/" + "x" * 41, "/{id}"),
        ("/a" * 12, "/a" * 9 + "/…"),
    ],
)
def test_ids_in_a_path_are_masked(path, expected):
    assert masked(path) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/users/<int:user_id>", "/users/{user_id}"),
        ("/users/<name>", "/users/{name}"),
        ('/<any("a:b", c):kind>/<path:rest>', "/{kind}/{rest}"),
        ("/users/{user_id:int}", "/users/{user_id}"),
        ("/users/{user_id}", "/users/{user_id}"),
        ("users/<int:pk>/", "/users/{pk}/"),
    ],
)
def test_patterns_look_alike_whatever_the_framework(pattern, expected):
    assert plain(pattern) == expected


def request(path, status=200, pattern=None, mount=""):
    return WebRequest(mount, pattern, path, "GET", status, 1.0)


def test_the_pattern_stands_below_the_mount():
    endpoints = Endpoints(10)
    assert endpoints.of(request("/t/1/u/2", pattern="/u/<id>", mount="/t/1")) == "/t/{id}/u/{id}"


def test_what_scanners_ask_for_is_one_endpoint():
    endpoints = Endpoints(10)
    assert endpoints.of(request("/users")) == "/users"
    assert endpoints.of(request("/users", status=404)) == "/users"
    assert endpoints.of(request("/wp-login.php", status=404)) == UNKNOWN
    assert endpoints.of(request("/orders", status=404, pattern="/orders")) == "/orders"


def test_their_number_is_bounded():
    endpoints = Endpoints(3)
    found = [endpoints.of(request(f"/page-{letter}")) for letter in "abcdea"]
    assert found == ["/page-a", "/page-b", "/page-c", OTHER, OTHER, "/page-a"]
