"""The ways through the pages: filter, page, sort, follow links, export, with script and without."""

import csv
import json

import pytest

from tests.browser.services import TOKEN
from tests.browser.visit import visit


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def visited(request, browser, month):
    with visit(browser, month.url, java_script_enabled=request.param) as opened:
        opened.has_script = request.param
        if not request.param:
            opened.refused = list
        yield opened


def ids(page):
    return [row.get_attribute("id") for row in page.locator("#runs tbody tr").all()]


def test_a_person_filters(visited):
    page = visited.open("/runs")
    page.get_by_text("All filters").click()
    page.get_by_label("Job").fill("audit_site")
    page.get_by_label("Status").select_option("failure")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**job_type=audit_site**")
    assert {it.split()[0] for it in page.locator("#runs td .badge").all_inner_texts()} == {
        "failure"
    }
    page.get_by_role("link", name="remove this filter").click()
    page.wait_for_url(lambda url: "job_type=audit_site" not in url)
    page.go_back()
    assert page.get_by_role("link", name="audit_site").first.is_visible()


def test_a_state_is_one_click(visited):
    page = visited.open("/runs")
    page.get_by_label("State").get_by_role("link", name="stale").click()
    page.wait_for_url("**stale=true**")
    assert len(ids(page)) == 1
    assert "stale" in page.locator("#runs").inner_text()


def test_a_person_searches_for_a_part_of_an_id(visited):
    page = visited.open("/runs")
    page.get_by_role("searchbox").fill("insight-writer")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**search=insight-writer**")
    assert len(ids(page)) > 3


def test_a_person_pages_to_and_fro(visited):
    page = visited.open("/runs")
    first = ids(page)
    page.get_by_role("link", name="Older →").click()
    page.wait_for_url("**cursor=**")
    second = ids(page)
    assert len(second) == 50
    assert not set(first) & set(second)
    page.get_by_role("link", name="← Newer").click()
    page.wait_for_url("**newer=**")
    assert ids(page) == first
    page.get_by_role("link", name="Older →").click()
    page.wait_for_url("**cursor=**")
    page.get_by_role("link", name="Newest").click()
    page.wait_for_url(lambda url: "cursor" not in url)
    assert ids(page)[0] == first[0]


def test_a_person_sorts(visited):
    page = visited.open("/runtime?range=30d")
    page.locator("thead").get_by_role("link", name="p95").click()
    page.wait_for_url("**sort=p95**")
    names = page.locator("#endpoints tbody th").all_inner_texts()
    assert names[0] == "/api/export"
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("p95")
    page.locator("thead").get_by_role("link", name="endpoint").click()
    page.wait_for_url("**sort=endpoint**")
    names = page.locator("#endpoints tbody th").all_inner_texts()
    assert names == sorted(names)


def test_a_range_and_a_filter_stay_in_the_address(visited):
    page = visited.open("/")
    page.get_by_label("Time").get_by_role("link", name="7 d").click()
    page.wait_for_url("**range=7d**")
    page.get_by_text("Agent all").click()
    page.get_by_label("Agent", exact=True).fill("insight-writer")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**agent_name=insight-writer**")
    assert "range=7d" in page.url
    assert page.locator("#agents-panel tbody tr").count() == 1


def test_every_row_of_the_overview_leads_somewhere(visited):
    ways = {
        "#figures a": "/runs?status=",
        "#agents-panel tbody a": "/runs?agent_name=",
        "#failures li a.line": "/runs?error=",
        "#failures li a.quiet": "/runs/",
        "#endpoints tbody a": "/runtime?endpoint=",
        "#devices tbody a": "/devices/acme/",
    }
    for selector, target in ways.items():
        page = visited.open("/")
        link = page.locator(selector).first
        link.click()
        page.wait_for_url(lambda url, target=target: target in url)
        assert page.locator("h1").count() == 1
    href = visited.open("/").locator("#chart svg a").last.get_attribute("href")
    page = visited.open(href)
    assert len(ids(page)) > 0


def test_a_run_leads_to_its_steps_and_back(visited):
    page = visited.open("/runs?job_type=weekly_digest&status=success")
    page.locator("#runs tbody a").first.click()
    page.get_by_role("heading", name="weekly_digest").wait_for()
    steps = page.locator("#timeline a")
    assert [it.inner_text() for it in steps.all()] == [
        "weekly_digest",
        "collect",
        "summarise",
        "publish",
    ]
    steps.nth(2).click()
    page.get_by_role("heading", name="summarise").wait_for()
    page.get_by_role("link", name="Compare…").click()
    page.locator("table a").first.click()
    page.get_by_role("heading", name="Fields that differ").wait_for()


def test_the_raw_json_is_that_of_the_api(visited):
    page = visited.open("/runs?status=failure")
    page.locator("#runs tbody th a").first.click()
    page.get_by_role("link", name="Raw JSON").click()
    page.wait_for_url("**/api/v1/runs/**")
    assert json.loads(page.locator("body").inner_text())["status"] == "failure"
    visited.requests.clear()


@pytest.mark.parametrize(("name", "count"), [("CSV", csv.reader), ("JSON Lines", list)])
def test_a_person_exports_what_the_filters_leave(visited, tmp_path, name, count):
    page = visited.open("/runs?agent_name=insight-writer&job_type=weekly_digest")
    with page.expect_download() as download:
        page.get_by_role("link", name=name, exact=True).click()
    file = tmp_path / "export"
    download.value.save_as(file)
    with file.open(newline="") as lines:
        rows = list(count(lines))
    assert all("insight-writer" in str(row) for row in rows[1:])
    assert 170 < len(rows) < 190
    visited.requests.clear()


def test_a_person_signs_in_and_out_without_a_script(browser, locked):
    with visit(browser, locked.url, java_script_enabled=False) as opened:
        page = opened.open("/runs")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.locator("#runs tbody tr").first.wait_for()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Token").wait_for()


@pytest.mark.parametrize("path", ["/", "/runs", "/runtime", "/devices", "/status"])
def test_a_page_says_the_same_without_a_script(browser, month, blank, path):
    for host in (month.url, blank.url):
        with visit(browser, host, java_script_enabled=False) as opened:
            page = opened.open(path)
            assert page.locator("h1").is_visible()
            assert len(page.locator("main").inner_text()) > 100 or path == "/runtime"


def test_the_table_behind_a_chart_opens_without_a_script(browser, month):
    with visit(browser, month.url, java_script_enabled=False) as opened:
        page = opened.open("/")
        page.locator("#chart summary").click()
        assert page.locator("#chart table").is_visible()


def test_a_person_copies_the_details_of_an_error(browser, month):
    with visit(browser, month.url, permissions=["clipboard-read", "clipboard-write"]) as opened:
        page = opened.open("/runs?status=failure")
        page.locator("#runs tbody th a").first.click()
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("button", name="Copied").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("Traceback (most recent call last):\n  File")
        opened.requests.clear()
