"""A refresh leaves alone what is used, says what is old, and asks no more than it should."""

import httpx

from tests.browser.test_figures import shown
from tests.browser.test_live import WHILE, pass_time
from tests.browser.visit import visit
from tests.support.runs import full_run, minimal_run


def top_of(page, selector):
    return page.locator(selector).evaluate("(it) => it.getBoundingClientRect().top")


def test_a_panel_in_use_is_brought_up_to_date_when_it_is_free(live, post):
    post(status="success")
    page = live.open("/")
    before = shown(page)["Success"]
    page.hover("#figures")
    post(status="success")
    assert pass_time(live) == 200
    page.get_by_text("in use · updated").wait_for()
    assert shown(page)["Success"] == before
    # An unchanged page must not make it look new.
    pass_time(live)
    page.get_by_text("in use · updated").wait_for()
    page.mouse.move(0, 899)
    page.clock.fast_forward("00:02")
    page.get_by_text("live · updated").wait_for()
    assert int(shown(page)["Success"]) == int(before) + 1


def test_a_row_that_leaves_the_list_is_marked(live, own, post):
    name = post()
    page = live.open("/runs?status=running")
    httpx.patch(f"{own.url}/api/v1/runs/{name}", json={"status": "success"})
    pass_time(live)
    page.locator(f"#run-{name} .gone").wait_for()
    assert "no longer on this page" in page.locator(f"#run-{name}").inner_text()


def test_more_new_rows_than_a_page_has_are_not_counted_wrongly(live, post):
    post()
    page = live.open("/runs")
    for _ in range(51):
        post()
    pass_time(live)
    page.get_by_role("link", name="50 or more new").wait_for()
    page.get_by_role("link", name="50 or more new").click()
    assert page.locator("#runs tbody tr").count() == 50
    assert page.locator("#runs .gone").count() == 0


def test_the_link_to_new_rows_keeps_the_focus(live, post):
    post()
    page = live.open("/runs")
    post()
    pass_time(live)
    page.get_by_role("link", name="1 new").focus()
    post()
    pass_time(live)
    page.get_by_role("link", name="2 new").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "2 new"


def test_panels_that_were_absent_appear(browser, start, databases):
    service = start(DATABASE_URL=databases.take())
    with visit(browser, service.url) as visited:
        visited.page.clock.install()
        page = visited.open("/")
        httpx.post(f"{service.url}/api/v1/runs", json=minimal_run("first"))
        pass_time(visited)
        page.locator("#agents-panel table").wait_for()
        visited.open("/runtime")
        event = {"source": "api", "endpoint": "/a", "runtime_ms": 1}
        httpx.post(f"{service.url}/api/runtime/events", json=event)
        pass_time(visited)
        page.locator("#endpoints table").wait_for()
        page.locator("#ideas table").wait_for()


def test_a_panel_that_would_move_what_is_used_is_offered(live, own):
    run = full_run("late", status="running", end_time=None, error_details=None, error_summary=None)
    assert httpx.post(f"{own.url}/api/v1/runs", json=run).status_code == 201
    page = live.open("/runs/late")
    page.hover("#details-heading")
    before = top_of(page, "#details")
    changes = {"status": "failure", "error_summary": "KeyError"}
    httpx.patch(f"{own.url}/api/v1/runs/late", json=changes)
    pass_time(live)
    link = page.get_by_role("link", name="1 new")
    link.wait_for()
    assert top_of(page, "#details") == before
    link.click()
    page.get_by_role("heading", name="KeyError").wait_for()


def test_a_failure_waits_longer_each_time_and_as_long_as_it_is_asked_to(live, post):
    post()
    page = live.open("/")
    headers = {}
    asked = []

    def refuse(route):
        asked.append(route)
        route.fulfill(status=503, headers=headers)

    page.route(page.url, refuse)
    assert pass_time(live) == 503
    page.get_by_text("not live: status 503").wait_for()
    page.clock.fast_forward("00:15")
    page.wait_for_timeout(200)
    assert len(asked) == 1
    headers["Retry-After"] = "100"
    assert pass_time(live) == 503
    page.clock.fast_forward("01:30")
    page.wait_for_timeout(200)
    assert len(asked) == 2
    page.unroute(page.url)
    assert pass_time(live) in (200, 304)
    page.get_by_text("live · updated").wait_for()


def test_one_request_at_a_time(live, post):
    post()
    page = live.open("/")
    held = []

    def hold(route):
        held.append(route)

    page.route(page.url, hold)
    for _ in range(3):
        page.clock.fast_forward(WHILE)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(200)
    assert len(held) == 1
    held[0].continue_()
