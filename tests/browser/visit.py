"""A visit to a page in the browser: whatever a page must never do is noticed on the way."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.support.service import PROJECT

AXE = PROJECT / "build/npm/node_modules/axe-core/axe.min.js"

# Runs before a page's own script. A policy that refuses something says so to the page only.
WATCH = """
window.shifts = 0;
window.refused = [];
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) if (!shift.hadRecentInput) window.shifts += shift.value;
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("securitypolicyviolation", (event) => {
  window.refused.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


class Visit:
    """A page with what it has asked for and complained about."""

    def __init__(self, page: Page, host: str) -> None:
        self.page = page
        self.host = host
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        page.add_init_script(WATCH)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", self._refuse_dialog)
        page.on("request", self._asked)

    def open(self, path: str, status: int = 200) -> Page:
        """Open a path, and check the status."""
        self.requests.clear()
        response = self.page.goto(self.host + path)
        assert response is not None
        assert response.status == status, (path, response.status)
        return self.page

    def check(self) -> None:
        """Fail when the page complained, or asked another host for anything."""
        assert self.complaints == []
        foreign = [it.url for it in self.requests if not it.url.startswith(f"{self.host}/")]
        assert foreign == []

    def refused(self) -> list[str]:
        """Return what the policy of the page has refused."""
        return list(self.page.evaluate("window.refused"))

    def weigh(self) -> dict[str, int]:
        """Return the bytes on the wire of each response by its kind."""
        weights: dict[str, int] = {}
        for request in self.requests:
            sizes = request.sizes()
            kind = request.resource_type
            weights[kind] = weights.get(kind, 0) + sizes["responseBodySize"]
        return weights

    def shifts(self) -> float:
        """Return how much the page has moved since it opened, in the units of browsers."""
        return float(self.page.evaluate("window.shifts"))

    def axe(self) -> list[str]:
        """Return what axe finds in the page, as one line for each element."""
        self.page.evaluate(AXE.read_text())
        found: list[dict[str, Any]] = self.page.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then((it) => it.violations)"
        )
        return [
            f"{it['impact']} {it['id']}: {node['html'][:200]} {json.dumps(node['any'])[:300]}"
            for it in found
            for node in it["nodes"]
        ]

    def _asked(self, request: Request) -> None:
        self.requests.append(request)

    def _heard(self, message: ConsoleMessage) -> None:
        # The browser itself reports the status of an error page.
        is_status = message.text.startswith("Failed to load resource: the server responded with")
        if message.type in ("error", "warning") and not is_status:
            self.complaints.append(f"{message.type}: {message.text}")

    def _refuse_dialog(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@contextmanager
def visit(browser: Browser, host: str, *, width: int = 1280, **options: Any) -> Iterator[Visit]:
    """Open a window with no cookies and an empty cache, and check it at the end.

    ``options`` are those of Playwright's contexts.
    """
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    context.set_default_timeout(15_000)
    try:
        visited = Visit(context.new_page(), host)
        yield visited
        visited.check()
        if options.get("java_script_enabled", True):
            assert visited.refused() == []
    finally:
        context.close()
