"""A person signs in with a token of the database, and is out when it is no longer valid."""

import pytest

from telemetry.http.browser import COOKIE
from tests.support.errors import assert_error
from tests.support.pages import BROWSER, open_page, read_page
from tests.support.runs import minimal_run
from tests.support.waiting import wait_until
from tests.tokens.conftest import ENVIRONMENT

OWN = {"Origin": "http://localhost"}
READS = ("runs:read", "events:read", "audio:read")


@pytest.fixture
def browser(app):
    return app.test_client()


def sign_in(client, text):
    return client.post(
        "/sign-in", data={"token": text, "next": "/runs"}, headers={**BROWSER, **OWN}
    )


@pytest.mark.parametrize("scopes", [READS, ("admin",)])
def test_it_opens_the_pages(create, browser, scopes):
    text = create("person", *scopes)
    response = sign_in(browser, text)
    assert response.status_code == 303
    assert text not in response.headers["Set-Cookie"]
    open_page(browser, "/runs")


@pytest.mark.parametrize(
    ("scopes", "bindings", "reason"),
    [
        (READS[:2], {}, "needs the scope audio:read"),
        (READS, {"agent": "agent-a"}, "shows every agent"),
        (READS, {"tenant": "tenant-a"}, "shows every tenant"),
    ],
)
def test_a_token_that_does_not_see_everything_does_not_open_them(
    create, browser, scopes, bindings, reason
):
    response = sign_in(browser, create("part", *scopes, **bindings))
    assert response.status_code == 403
    assert reason in read_page(response).text
    assert "Set-Cookie" not in response.headers


def test_the_cookie_ends_with_its_token(create, token, browser):
    sign_in(browser, create("person", *READS))
    open_page(browser, "/runs")
    token("revoke", "person")
    wait_until(lambda: browser.get("/runs", headers=BROWSER).status_code == 303, 3)
    assert browser.get("/api/v1/runs").status_code == 401


def test_the_cookie_ends_when_its_token_expires(create, db, browser):
    sign_in(browser, create("person", *READS, expires="1d"))
    db.execute("UPDATE api_tokens SET expires_at = now() + interval '0.2 seconds'")
    wait_until(lambda: browser.get("/runs", headers=BROWSER).status_code == 303, 3)


def test_a_reader_writes_nothing(create, browser):
    """As the page /docs/try would send it."""
    sign_in(browser, create("person", *READS))
    assert browser.get("/docs/try").status_code == 200
    response = browser.post("/api/v1/runs", json=minimal_run(), headers=OWN)
    assert_error(response, 403, "The token needs the scope runs:write")
    sign_in(browser, create("admin", "admin"))
    assert browser.post("/api/v1/runs", json=minimal_run(), headers=OWN).status_code == 201


def test_a_cookie_cannot_be_changed_to_another_name(create, browser):
    sign_in(browser, create("person", *READS))
    create("root", "admin")
    cookie = browser.get_cookie(COOKIE).value
    for claim in ("token:root", "person", "token:nobody", "token:"):
        browser.set_cookie(COOKIE, cookie.replace("token:person", claim))
        assert browser.get("/api/v1/runs").status_code == 401


def test_a_new_token_of_the_environment_ends_every_cookie(create, browser, make_app):
    sign_in(browser, create("person", *READS))
    other = make_app(auth_enabled=True, auth_token="another").test_client()
    other.set_cookie(COOKIE, browser.get_cookie(COOKIE).value)
    assert other.get("/api/v1/runs").status_code == 401


def test_the_status_counts_the_tokens(create, browser):
    sign_in(browser, ENVIRONMENT)
    assert "none expires" in open_page(browser, "/status").text
    create("soon", "admin", expires="10d")
    create("later", "admin", expires="20d")
    text = open_page(browser, "/status").text
    assert "2 valid, besides TELEMETRY_API_AUTH_TOKEN" in text
    assert "soon" in text
    assert "later" not in text
