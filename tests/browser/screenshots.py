"""Pictures of every page in ``build/screenshots/``, for people to look at.

    python -m tests.browser.screenshots [PATTERN...]

They are made in three widths, in light and dark, over the data of the demo and over no data. A
pattern such as ``full-run*-390-*`` makes only the pictures that it fits.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from fnmatch import fnmatch
from itertools import product
from typing import NamedTuple

import psycopg
from playwright.sync_api import Browser, Page

from telemetry.database.embedded import embedded_postgres
from telemetry.migrations import runner
from tests.browser.chromium import chromium
from tests.browser.services import TOKEN, Start, fill_with_demo, services
from tests.support.databases import database, execute
from tests.support.server import folder
from tests.support.service import PROJECT

FOLDER = PROJECT / "build/screenshots"
WIDTHS = {390: 844, 1024: 768, 1600: 1000}
SCHEMES = ("light", "dark")


class Picture(NamedTuple):
    """A page to open, and a button to press on it; no button: as it opens."""

    name: str
    url: str
    press: str | None = None


def main() -> None:
    """Write the pictures whose names fit a pattern of the command line, or all."""
    patterns = sys.argv[1:] or ["*"]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        data = stack.enter_context(folder())
        url = stack.enter_context(embedded_postgres(data / "data"))
        start = stack.enter_context(services(data))
        pictures = [*_pictures(url, start)]
        browser = stack.enter_context(chromium())
        for width, scheme in product(WIDTHS, SCHEMES):
            files = {f"{it.name}-{width}-{scheme}": it for it in pictures}
            wanted = {
                name: it for name, it in files.items() if any(fnmatch(name, p) for p in patterns)
            }
            _take(browser, wanted, width, scheme)


def _pictures(url: str, start: Start) -> Iterator[Picture]:
    urls = {name: database(url, name) for name in ("full", "empty")}
    for name, its_url in urls.items():
        execute(url, f'CREATE DATABASE "{name}"')
        runner.migrate(its_url, lambda _: None)
    fill_with_demo(urls["full"])
    full = start(DATABASE_URL=urls["full"], TELEMETRY_STALE_AFTER="1h").url
    empty = start(DATABASE_URL=urls["empty"]).url
    locked = start(
        DATABASE_URL=urls["empty"],
        TELEMETRY_API_AUTH_ENABLED="true",
        TELEMETRY_API_AUTH_TOKEN=TOKEN,
    ).url
    away = start(DATABASE_URL="postgresql://postgres@127.0.0.1:1/none").url
    for name, path in _paths(urls["full"]).items():
        yield Picture(f"full-{name}", full + path)
    yield Picture("full-verified", f"{full}/devices/acme/kitchen-1", press="Verify now")
    for name in ("", "runs", "runs/compare", "runtime", "devices", "status"):
        yield Picture(f"empty-{name.replace('/', '-') or 'overview'}", f"{empty}/{name}")
    yield Picture("sign-in", f"{locked}/")
    yield Picture("sign-in-wrong", f"{locked}/sign-in", press="Sign in")
    yield Picture("error-404", f"{full}/runs/no-such-run")
    yield Picture("error-422", f"{full}/runs?created_after=yesterday&colour=red")
    yield Picture("error-503", f"{away}/")
    yield Picture("status-503", f"{away}/status")
    yield Picture("docs", f"{full}/docs")
    yield Picture("docs-operation", f"{full}/docs#postApiV1Runs")
    yield Picture("docs-try", f"{full}/docs/try")


def _paths(url: str) -> dict[str, str]:
    """Return the pages over the data of the demo by name."""

    def event_id(condition: str) -> str:
        statement = f"SELECT event_id FROM agent_runs WHERE {condition} LIMIT 1"
        row = connection.execute(statement).fetchone()  # type: ignore[call-overload]
        assert row, condition
        return str(row[0])

    with psycopg.connect(url) as connection:
        digest = "job_type = 'weekly_digest' AND status = "
        failed = event_id(f"{digest} 'failure' ORDER BY created_at DESC")
        good = event_id(f"{digest} 'success' ORDER BY created_at DESC")
        step = event_id("job_type = 'summarise' ORDER BY created_at DESC")
        running = event_id("status = 'running' ORDER BY created_at DESC")
        stale = event_id("status = 'running' ORDER BY created_at")
    day = datetime.now().astimezone() - timedelta(days=3)
    return {
        "overview": "/",
        "overview-1h": "/?range=1h",
        "overview-30d": "/?range=30d",
        "overview-agent": "/?range=7d&agent_name=insight-writer",
        "overview-from-to": f"/?created_after={day:%Y-%m-%d}&created_before={day:%Y-%m-%dT18:00}",
        "runs": "/runs",
        "runs-failures": "/runs?status=failure",
        "runs-none": "/runs?agent_name=nobody",
        "run-failure": f"/runs/{failed}",
        "run-success": f"/runs/{good}",
        "run-step": f"/runs/{step}",
        "run-running": f"/runs/{running}",
        "run-stale": f"/runs/{stale}",
        "compare": f"/runs/compare?a={good}&b={failed}",
        "compare-choose": f"/runs/compare?a={failed}",
        "runtime": "/runtime",
        "endpoint": "/runtime?endpoint=/api/export&range=7d",
        "devices": "/devices",
        "device": "/devices/acme/kitchen-1",
        "status": "/status",
    }


def _take(browser: Browser, pictures: dict[str, Picture], width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    for name, picture in pictures.items():
        page = context.new_page()
        page.goto(picture.url)
        if picture.press:
            _press(page, picture.press)
        if picture.name == "docs-try":
            page.wait_for_selector(".opblock")
        page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
        page.close()
    context.close()


def _press(page: Page, name: str) -> None:
    if name == "Sign in":
        page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state()


if __name__ == "__main__":
    main()
