"""The browser: Debian's Chromium, which Playwright drives instead of one of its own."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

# Nothing but the pages under test may use the network.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium. CHROMIUM names another program than the one in PATH."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert program, "install chromium (apt-get install chromium), or name it in CHROMIUM"
    # The sandbox needs a user other than root.
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, headless=True, args=[*ARGUMENTS, *sandbox]
        )
        yield browser
        browser.close()
