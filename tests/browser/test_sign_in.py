"""A person signs in and out in the browser."""

import httpx
import pytest

from tests.browser.services import TOKEN
from tests.browser.visit import visit


@pytest.fixture
def door(browser, locked):
    with visit(browser, locked.url) as visited:
        yield visited


def enter(page, token):
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state()


def test_a_person_signs_in_and_gets_where_they_wanted(door):
    page = door.open("/runs?status=failure")
    assert page.url.endswith("/sign-in?next=%2Fruns%3Fstatus%3Dfailure")
    assert page.evaluate("document.activeElement.name") == "token"
    enter(page, "wrong")
    assert "This is not the token" in page.locator("main").inner_text()
    assert page.get_by_label("Token").get_attribute("aria-invalid") == "true"
    assert door.axe() == []
    enter(page, TOKEN)
    assert page.url.endswith("/runs?status=failure")
    assert page.locator("#runs tbody tr").count() > 10


def test_no_script_sees_the_cookie(door):
    page = door.open("/")
    enter(page, TOKEN)
    (cookie,) = page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert TOKEN not in cookie["value"]
    assert page.evaluate("document.cookie") == ""
    assert TOKEN not in page.content()


def test_every_page_opens_after_signing_in_and_none_after_signing_out(door):
    page = door.open("/")
    enter(page, TOKEN)
    for path in (
        "/",
        "/runs",
        "/runtime",
        "/devices",
        "/status",
        "/docs",
        "/docs/try",
        "/api/v1/runs",
    ):
        door.open(path)
    door.open("/status")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Token").wait_for()
    for path in ("/", "/runs", "/devices/acme/kitchen-1"):
        assert "/sign-in" in door.open(path).url
    page.go_back()
    assert "/sign-in" in page.url


def test_a_page_that_is_open_says_that_it_is_signed_out(door):
    page = door.page
    page.clock.install()
    door.open("/")
    enter(page, TOKEN)
    page.locator("#figures").wait_for()
    page.context.clear_cookies()
    page.clock.fast_forward("00:11")
    page.get_by_text("signed out").wait_for()
    assert page.locator("#figures").is_visible()


def test_a_form_of_another_site_signs_nobody_in(browser, locked):
    with visit(browser, locked.url) as visited:
        page = visited.page
        page.set_content(
            f"<form method=post action='{locked.url}/sign-in'>"
            f"<input name=token value='{TOKEN}'><button>Win</button></form>"
        )
        with page.expect_navigation() as navigation:
            page.get_by_role("button").click()
        assert navigation.value.status == 403
        assert page.context.cookies() == []


def test_a_person_verifies_a_device_after_signing_in(door):
    page = door.open("/devices/acme/lobby-07")
    enter(page, TOKEN)
    page.get_by_role("button", name="Verify now").click()
    page.get_by_text("nothing is wrong").wait_for()
    assert door.page.reload().status == 200


def test_attempts_are_limited_and_the_page_says_so(browser, start, databases):
    service = start(
        DATABASE_URL=databases.take(),
        TELEMETRY_API_AUTH_ENABLED="true",
        TELEMETRY_API_AUTH_TOKEN=TOKEN,
    )
    wrong = {"data": {"token": "wrong"}, "headers": {"Origin": service.url}}
    statuses = [httpx.post(f"{service.url}/sign-in", **wrong).status_code for _ in range(10)]
    assert statuses == [401] * 10
    with visit(browser, service.url) as visited:
        page = visited.open("/sign-in")
        enter(page, TOKEN)
        assert "Too many attempts" in page.locator("main").inner_text()
        assert visited.axe() == []
