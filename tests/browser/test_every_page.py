"""What every page keeps: nothing of another host, no shift, little weight, accessible to all."""

import psycopg
import pytest

from tests.browser.services import TOKEN
from tests.browser.visit import visit

EMPTY = ["/", "/runs", "/runs/compare", "/runtime", "/devices", "/status"]
FULL = [
    *(
        "/",
        "/?range=1h",
        "/?range=30d&agent_name=hugo-translator",
        "/?range=7d&environment=staging",
    ),
    *("/runs", "/runs?status=failure", "/runs?agent_name=nobody", "/runs?search=hugo"),
    *("/runs/{failure}", "/runs/{success}", "/runs/{running}", "/runs/{stale}", "/runs/{step}"),
    *("/runs/compare?a={success}&b={failure}", "/runs/compare?a={failure}"),
    *("/runtime", "/runtime?endpoint=/api/export&range=7d", "/runtime?range=30d&sort=p95"),
    *("/devices", "/devices?attention=true", "/devices/acme/kitchen-1", "/status"),
    "/docs",
]
ERRORS = {
    "/no-such-page": 404,
    "/runs/no-such-run": 404,
    "/devices/acme/none": 404,
    "/runs?created_after=yesterday&colour=red": 422,
    "/?range=2h": 422,
    "/runtime?sort=x": 422,
    "/devices?tenant_id=%20": 422,
    "/devices/acme/kitchen-1?before=x": 422,
}

PICKED = {
    "failure": "job_type = 'weekly_digest' AND status = 'failure'",
    "success": "job_type = 'weekly_digest' AND status = 'success'",
    "step": "job_type = 'summarise'",
    "running": "status = 'running' AND agent_name = 'hugo-translator'",
    "stale": "status = 'running' AND agent_name = 'seo-auditor'",
}


@pytest.fixture(scope="module")
def names(month_url):
    """Return the event_id of a run of each kind."""
    with psycopg.connect(month_url) as connection:
        return {
            kind: connection.execute(
                f"SELECT max(event_id) FROM agent_runs WHERE {condition}"
            ).fetchone()[0]
            for kind, condition in PICKED.items()
        }


def assert_good(browser, host, path, status=200):
    with visit(browser, host) as visited:
        page = visited.open(path, status)
        # The script shows how old the page is after the first layout.
        page.wait_for_timeout(300)
        assert visited.shifts() < 0.01
        weights = visited.weigh()
        assert sum(weights.values()) < 150_000, weights
        sheets = page.locator("link[rel=stylesheet], style").count()
        assert (sheets, page.locator("script").count()) == (1, 1)
        assert {it.resource_type for it in visited.requests} <= {
            *("document", "stylesheet", "script"),
            "other",  # the icon
        }
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert visited.axe() == [], scheme
        for width in (1600, 1024, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    return weights


@pytest.mark.parametrize("path", FULL)
def test_a_page_with_data(browser, month, names, path):
    assert_good(browser, month.url, path.format_map(names))


@pytest.mark.parametrize("path", EMPTY)
def test_a_page_without_data(browser, blank, path):
    assert_good(browser, blank.url, path)


@pytest.mark.parametrize("path", ERRORS)
def test_a_page_of_an_error(browser, month, path):
    assert_good(browser, month.url, path, ERRORS[path])


def test_the_page_to_sign_in(browser, locked):
    assert_good(browser, locked.url, "/sign-in")


@pytest.mark.parametrize("path", ["/", "/runs", "/status"])
def test_a_page_after_signing_in(browser, locked, path):
    with visit(browser, locked.url) as visited:
        page = visited.open("/sign-in")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        visited.open(path)
        assert visited.axe() == []
        assert page.get_by_role("button", name="Sign out").is_visible()


def test_the_result_of_a_check(browser, month):
    with visit(browser, month.url) as visited:
        page = visited.open("/devices/acme/kitchen-1")
        page.get_by_role("button", name="Verify now").click()
        page.get_by_text("nothing is wrong").wait_for()
        assert visited.axe() == []


def test_the_page_of_the_api_opens_what_an_address_names(browser, month):
    with visit(browser, month.url, java_script_enabled=False) as visited:
        page = visited.open("/docs#postApiV1RunsBatch")
        assert page.get_by_text("Content types:").first.is_visible()
        batch = page.locator("#postApiV1RunsBatch")
        batch.get_by_role("link", name="Create a run").click()
        assert page.get_by_text("38 optional fields").is_visible()


def test_the_whole_page_of_the_api_is_accessible(browser, month):
    with visit(browser, month.url) as visited:
        page = visited.open("/docs")
        page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert visited.axe() == [], scheme
        page.set_viewport_size({"width": 390, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_page_to_try_requests_has_nothing_of_another_host(browser, month):
    with visit(browser, month.url) as visited:
        page = visited.open("/docs/try")
        page.locator(".opblock").first.wait_for()
        assert page.locator(".opblock").count() > 20


def test_rows_that_arrive_slowly_move_nothing(browser, month):
    headers = {"Accept-Encoding": "identity"}
    with visit(browser, month.url, extra_http_headers=headers) as visited:
        network = visited.page.context.new_cdp_session(visited.page)
        network.send("Network.enable")
        speed = {"downloadThroughput": 40_000, "uploadThroughput": 40_000}
        network.send("Network.emulateNetworkConditions", {"offline": False, "latency": 50, **speed})
        visited.open("/runs?status=failure")
        # Only the line that says how old the page is appears after the first layout.
        assert visited.shifts() < 0.002
