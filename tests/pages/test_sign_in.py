"""A person signs in with the token; no other browser gets in."""

import gzip
from urllib.parse import quote, unquote

import pytest

from telemetry.http import browser
from telemetry.pages.sign_in import is_local
from telemetry.rate_limit import store as rate_limit
from tests.support.errors import assert_error
from tests.support.pages import BROWSER, open_page, read_page

TOKEN = "a-long-token"
OWN = {"Origin": "http://localhost"}


@pytest.fixture
def secure(make_app):
    return make_app(auth_enabled=True, auth_token=TOKEN).test_client()


def post(client, token=TOKEN, following="/", **headers):
    form = {"token": token, "next": following}
    return client.post("/sign-in", data=form, headers={**BROWSER, **OWN, **headers})


def test_it_leads_to_the_sign_in_and_back(secure):
    response = secure.get("/runs?status=failure", headers=BROWSER)
    assert response.status_code == 303
    assert response.headers["Location"] == "/sign-in?next=" + quote("/runs?status=failure", safe="")
    page = open_page(secure, response.headers["Location"])
    following = next(a["value"] for _, a in page.elements if a.get("name") == "next")
    response = post(secure, following=following)
    assert response.status_code == 303
    assert response.headers["Location"] == "/runs?status=failure"
    open_page(secure, "/runs?status=failure")


def test_no_script_reads_the_cookie_and_it_holds_no_token(secure):
    cookie = post(secure).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert f"Max-Age={browser.COOKIE_SECONDS}" in cookie
    assert "Secure" not in cookie
    assert TOKEN not in cookie


def test_the_cookie_is_secure_behind_tls(make_app):
    app = make_app(auth_enabled=True, auth_token=TOKEN, trusted_proxies=1)
    response = post(app.test_client(), **{"X-Forwarded-Proto": "https"})
    assert "Secure" in response.headers["Set-Cookie"]


def test_a_wrong_token_gets_a_message_at_its_field(secure):
    response = post(secure, token="wrong")
    assert response.status_code == 401
    assert "This is not the token" in read_page(response).text
    assert "Set-Cookie" not in response.headers
    assert secure.get("/runs", headers=BROWSER).status_code == 303


def test_attempts_are_limited(secure, db):
    statuses = [post(secure, token=f"wrong-{n}").status_code for n in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    response = post(secure)
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "60"
    assert "Set-Cookie" not in response.headers
    assert secure.get("/api/v1/runs").status_code == 401


def test_attempts_are_limited_while_the_database_is_away(make_app, monkeypatch):
    monkeypatch.setattr(rate_limit, "RATE_LIMIT_SECONDS", 0.05)  # which each attempt waits
    url = "postgresql://postgres@127.0.0.1:1/none"
    client = make_app(auth_enabled=True, auth_token=TOKEN, database_url=url).test_client()
    assert post(client).status_code == 303
    assert "database unreachable" in open_page(client, "/status").text
    statuses = {post(client, token=f"wrong-{n}").status_code for n in range(11)}
    assert statuses == {401, 429}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_other_site_signs_a_person_in_or_uses_the_cookie(secure, headers):
    assert post(secure, **headers).status_code == 403
    post(secure)
    for path in ("/api/v1/audio-runtime/rebuild", "/devices/a/b/verify", "/sign-out"):
        response = secure.post(path, headers={**OWN, **headers}, json={"tenant_id": "a"})
        assert response.status_code in (401, 303)
        assert "Set-Cookie" not in response.headers
    open_page(secure, "/")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"a=1&" * 8_000, {}, 413),
        (gzip.compress(b"a=1&" * 4_000_000), {"Content-Encoding": "gzip"}, 413),
        (b"a=1&" * 100, {}, 401),
        (b"\xff=%ff&token=%00", {}, 401),
    ],
)
def test_a_form_is_small(secure, body, headers, status):
    """Everyone may send one, so a large one must not keep the worker busy."""
    content_type = "application/x-www-form-urlencoded"
    headers = {**BROWSER, **OWN, **headers, "Content-Type": content_type}
    assert secure.post("/sign-in", data=body, headers=headers).status_code == status


def test_an_attempt_counts_before_its_form_is_read(secure):
    headers = {**BROWSER, **OWN, "Content-Type": "application/x-www-form-urlencoded"}
    for _ in range(10):
        assert secure.post("/sign-in", data=b"a" * 20_000, headers=headers).status_code == 413
    assert post(secure).status_code == 429


@pytest.mark.parametrize("path", ["/runs/a%3Fb?x=1", "/runs/%C3%BC", "/runs?agent_name=a%26b"])
def test_it_leads_back_to_any_address(secure, path):
    location = secure.get(path, headers=BROWSER).headers["Location"]
    following = unquote(location.partition("next=")[2])
    assert following == path
    assert post(secure, following=following).headers["Location"] == path


def test_an_address_that_is_too_long_leads_to_the_overview(secure):
    location = secure.get("/runs?agent_name=" + "a" * 3_000, headers=BROWSER).headers["Location"]
    assert location == "/sign-in?next=%2F"


def test_a_form_that_is_sent_too_late_leads_to_the_sign_in(secure):
    headers = {**BROWSER, **OWN}
    location = secure.post("/devices/a/b/verify", headers=headers).headers["Location"]
    assert location == "/sign-in?next=%2Fdevices%2Fa%2Fb%2Fverify"
    assert secure.post("/sign-out", headers=headers).headers["Location"] == "/sign-in"


def test_the_password_of_a_proxy_is_not_the_token(secure):
    headers = {**BROWSER, "Authorization": "Basic YTpi"}
    assert secure.get("/", headers=headers).status_code == 303
    assert secure.get("/sign-in", headers=headers).status_code == 200
    post(secure)
    assert secure.get("/", headers=headers).status_code == 200
    bearer = {**BROWSER, "Authorization": "Bearer wrong"}
    assert secure.get("/", headers=bearer).status_code == 401


def test_signing_out_ends_it(secure):
    post(secure)
    open_page(secure, "/")
    assert secure.post("/sign-out", headers={**BROWSER, **OWN}).status_code == 303
    assert secure.get("/", headers=BROWSER).status_code == 303


def test_the_cookie_expires_and_depends_on_the_token(secure, make_app, monkeypatch):
    cookie = post(secure).headers["Set-Cookie"].partition(";")[0]
    headers = {**BROWSER, "Cookie": cookie}
    fresh = make_app(auth_enabled=True, auth_token=TOKEN).test_client(use_cookies=False)
    assert fresh.get("/runs", headers=headers).status_code == 200
    other = make_app(auth_enabled=True, auth_token="another").test_client(use_cookies=False)
    assert other.get("/runs", headers=headers).status_code == 303
    signed, _, signature = cookie.rpartition(".")
    # Not the last character: of its six bits, two are no part of the signature.
    forged = {**BROWSER, "Cookie": f"{signed}.{'a' if signature[0] != 'a' else 'b'}{signature[1:]}"}
    assert fresh.get("/runs", headers=forged).status_code == 303
    monkeypatch.setattr(browser, "COOKIE_SECONDS", -1)
    assert fresh.get("/runs", headers=headers).status_code == 303


def test_a_signed_in_person_can_read_the_raw_json(secure):
    assert_error(secure.get("/api/v1/runs", headers=BROWSER), 401)
    post(secure)
    assert secure.get("/api/v1/runs").json == []


def test_programs_still_need_the_token(secure):
    assert_error(secure.get("/"), 401)
    assert secure.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_without_a_token_there_is_nothing_to_sign_in_to(client):
    assert client.get("/sign-in").headers["Location"] == "/"
    assert client.post("/sign-in").headers["Location"] == "/"


@pytest.mark.parametrize(
    "url", ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "x"]
)
def test_it_leads_to_no_other_host(secure, url):
    assert not is_local(url)
    assert post(secure, following=url).headers["Location"] == "/"


def test_a_page_shows_how_to_post_with_the_token(secure):
    post(secure)
    text = open_page(secure, "/").text
    assert "Authorization: Bearer $TELEMETRY_API_AUTH_TOKEN" in text
    assert TOKEN not in text
