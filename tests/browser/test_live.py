"""Pages refresh by themselves, pause out of sight, and never move what a person reads."""

import httpx
import psycopg

from tests.browser.test_figures import shown
from tests.browser.visit import visit
from tests.support.databases import execute
from tests.support.runs import full_run, minimal_run
from tests.support.waiting import wait_until

# Longer than the script waits between two refreshes.
WHILE = "00:11"

HIDE = "(hidden) => Object.defineProperty(document, 'hidden', {configurable: true, value: hidden})"


def until(page, expression):
    """Return once the expression is true. The policy of a page forbids to poll inside it."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


def without_refresh(route):
    """Keep a page of an error still, while axe reads it."""
    response = route.fetch()
    kept = {name: it for name, it in response.headers.items() if name != "refresh"}
    route.fulfill(response=response, headers=kept)


def pass_time(visited):
    """Let the script refresh once; return the status of the response."""
    with visited.page.expect_response(lambda it: it.url == visited.page.url) as response:
        visited.page.clock.fast_forward(WHILE)
    status = response.value.status
    visited.page.evaluate("new Promise((done) => requestAnimationFrame(() => done()))")
    return status


def test_a_new_run_appears_on_the_overview(live, post):
    post(status="success")
    page = live.open("/")
    before = int(shown(page)["Success"])
    post(status="success")
    assert pass_time(live) == 200
    until(page, f"document.querySelector('#figures .value').textContent === '{before + 1}'")
    assert pass_time(live) in (200, 304)


def test_an_unchanged_page_is_not_sent_again(live, post):
    post()
    live.open("/")
    assert 304 in {pass_time(live), pass_time(live)}


def test_the_table_counts_new_runs_and_shows_them_on_a_click(live, post):
    post(status="success")
    page = live.open("/runs")
    first = page.locator("#runs tbody tr").first.get_attribute("id")
    new = post(status="failure", job_type="new-job")
    pass_time(live)
    page.get_by_role("link", name="1 new").wait_for()
    assert page.locator("#runs tbody tr").first.get_attribute("id") == first
    page.evaluate("window.isSame = true")
    page.get_by_role("link", name="1 new").click()
    assert page.locator("#runs tbody tr").first.get_attribute("id") == f"run-{new}"
    assert page.evaluate("window.isSame")
    assert not page.get_by_role("link", name="1 new").is_visible()


def test_a_row_changes_where_it_stands(live, own, post):
    name = post()
    page = live.open("/runs")
    row = page.locator(f"#run-{name}")
    assert "running" in row.inner_text()
    httpx.patch(f"{own.url}/api/v1/runs/{name}", json={"status": "success", "duration_ms": 1500})
    pass_time(live)
    until(page, f"document.getElementById('run-{name}').textContent.includes('1.5 s')")
    assert "success" in row.inner_text()


def test_an_empty_table_fills_by_itself(browser, start, databases):
    service = start(DATABASE_URL=databases.take())
    with visit(browser, service.url) as visited:
        visited.page.clock.install()
        page = visited.open("/runs")
        assert "There is no run yet" in page.locator("#runs").inner_text()
        httpx.post(f"{service.url}/api/v1/runs", json=minimal_run("first"))
        pass_time(visited)
        page.locator("#run-first").wait_for()


def test_a_run_ends_while_a_person_looks(live, own, post):
    name = post()
    page = live.open(f"/runs/{name}")
    assert "running" in page.locator("#head").inner_text()
    changes = {"status": "failure", "error_summary": "KeyError", "duration_ms": 9000}
    httpx.patch(f"{own.url}/api/v1/runs/{name}", json=changes)
    pass_time(live)
    page.locator("#head .badge.failure").wait_for()
    # It moves what is below it, but nobody has begun to read there.
    page.get_by_role("heading", name="KeyError").wait_for()


def test_the_focus_is_not_lost_when_new_rows_are_shown(live, post):
    post()
    page = live.open("/runs")
    name = post()
    pass_time(live)
    page.get_by_role("link", name="1 new").focus()
    page.keyboard.press("Enter")
    page.locator(f"#run-{name}").wait_for()
    assert page.evaluate("document.activeElement.id") == "main"


def test_what_a_person_reads_stays(live, own, post):
    for number in range(30):
        post(status="failure", agent_name=f"agent-{number}", error_summary=f"error {number}")
    page = live.open("/")
    page.locator("#chart summary").click()
    page.locator("#failures a").first.focus()
    page.evaluate(
        "getSelection().selectAllChildren(document.querySelector('#agents-panel tbody tr'))"
    )
    selected = page.evaluate("String(getSelection())")
    page.evaluate("scrollTo(0, 500)")
    focused = page.evaluate("document.activeElement.href")
    place = page.evaluate(
        "document.querySelector('#agents-panel tbody').getBoundingClientRect().top"
    )
    post(status="failure", error_summary="another", agent_name="agent-new")
    before = shown(page)["Failure"]
    pass_time(live)
    until(page, f"document.querySelectorAll('#figures .value')[1].textContent !== '{before}'")
    assert page.locator("#chart details[open]").count() == 1
    assert page.evaluate("document.activeElement.href") == focused
    assert page.evaluate("String(getSelection())") == selected
    moved = page.evaluate(
        "document.querySelector('#agents-panel tbody').getBoundingClientRect().top"
    )
    assert abs(moved - place) < 1


def test_what_grows_above_does_not_move_what_a_person_reads(live, own):
    run = full_run("tall", status="running", end_time=None, error_details=None, error_summary=None)
    assert httpx.post(f"{own.url}/api/v1/runs", json=run).status_code == 201
    page = live.open("/runs/tall")
    page.set_viewport_size({"width": 390, "height": 500})
    page.evaluate("document.getElementById('metrics').scrollIntoView()")
    # Without the browser's own correction, which not every browser has.
    page.evaluate("document.documentElement.style.overflowAnchor = 'none'")
    place = page.evaluate("document.getElementById('metrics').getBoundingClientRect().top")
    details = {"status": "failure", "error_details": "line\n" * 9, "error_summary": "grown"}
    httpx.patch(f"{own.url}/api/v1/runs/tall", json=details)
    pass_time(live)
    page.locator("#error h2").wait_for()
    moved = page.evaluate("document.getElementById('metrics').getBoundingClientRect().top")
    assert abs(moved - place) < 1


def test_it_pauses_out_of_sight(live, post):
    post()
    page = live.open("/")
    page.evaluate(HIDE, True)
    live.requests.clear()
    for _ in range(3):
        page.clock.fast_forward(WHILE)
    page.wait_for_timeout(100)
    assert live.requests == []
    page.evaluate(HIDE, False)
    with page.expect_response(page.url):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_ages_grow(live, post):
    name = post()
    page = live.open(f"/runs/{name}")
    page.clock.fast_forward("05:00")
    until(
        page,
        "[...document.querySelectorAll('#details time')]"
        ".some((it) => /^[45] m ago/.test(it.textContent))",
    )


def test_an_outage_shows_and_ends_by_itself(browser, start, databases, postgres):
    url = databases.take()
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    service = start(DATABASE_URL=url)
    httpx.post(f"{service.url}/api/v1/runs", json=minimal_run("first", status="success"))
    execute(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    execute(
        postgres,
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    with visit(browser, service.url) as visited:
        visited.page.route("**/", without_refresh)
        visited.open("/", 503)
        for scheme in ("light", "dark"):
            visited.page.emulate_media(color_scheme=scheme)
            assert visited.axe() == []
    with visit(browser, service.url) as visited:
        page = visited.page
        assert page.goto(service.url).status == 503
        assert "tries again by itself" in page.locator("main").inner_text()
        execute(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        wait_until(lambda: httpx.get(f"{service.url}/api/ready").status_code == 200)
        page.locator("#figures").wait_for()


def test_an_open_page_says_that_it_is_not_live(live, own, own_url, postgres, post):
    post()
    name = psycopg.conninfo.conninfo_to_dict(own_url)["dbname"]
    page = live.open("/")
    execute(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    execute(
        postgres,
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    try:
        assert pass_time(live) == 503
        page.get_by_text("not live: status 503").wait_for()
        assert page.locator("#figures").is_visible()
    finally:
        execute(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    wait_until(lambda: httpx.get(f"{own.url}/api/ready").status_code == 200)
    assert pass_time(live) in (200, 304)
    page.get_by_text("live · updated").wait_for()
