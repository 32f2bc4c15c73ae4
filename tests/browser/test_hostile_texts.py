"""What agents posted is text on every page: it runs nothing, loads nothing and moves nothing."""

import csv
import io
import re

import httpx
import pytest

from tests.browser.visit import visit
from tests.support.audio_runtime import KIND_FIELDS, event
from tests.support.runs import full_run
from tests.support.runtime_events import full_event

PAYLOADS = [
    "<script>window.caught=1</script>",
    '"><img src=x onerror="window.caught=1">',
    "' onfocus='window.caught=1' autofocus tabindex='1",
    "</title></pre></textarea><svg onload=window.caught=1>",
    "javascript:window.caught=1//",
    "JaVaScRiPt:window.caught=1//https://github.com/owner/name",
    'https://evil.example/"onmouseover="window.caught=1',
    "data:text/html,<script>window.caught=1</script>",
    "//evil.example/x",
    '=HYPERLINK("https://evil.example","open")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\u202egnp.exe\u2066 \u200b",
    "{{ 7 * 7 }}{% raw %}",
    "w" * 3000,
    "&lt;script&gt;window.caught=1&lt;/script&gt;",
]

# These are checked by the schemas; no payload gets through.
FIXED = {"status", "git_commit_source", "event_id"}
HOUR = "last 1 h"

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def is_text(name, value):
    is_time = name.endswith(("_time", "_at", "_timestamp"))
    return isinstance(value, str) and not is_time and name not in FIXED


def hostile_run(number, payload):
    names = {"run_id", "agent_name", "job_type", "parent_run_id"}
    texts = {
        name: payload[: 255 if name in names else None]
        for name, value in full_run().items()
        if is_text(name, value)
    }
    nested = {payload[:200]: {payload[:200]: [payload, {"cost_usd": payload}]}, "cost_usd": 1}
    fresh = {"created_at": None, "start_time": "2026-01-31T12:00:00Z"}
    return {
        **full_run(f"hostile-{number}"),
        **texts,
        **fresh,
        "status": ("failure", "success", "partial")[number % 3],
        "metrics_json": nested,
        "context_json": nested,
    }


def hostile_event(number, payload):
    texts = dict.fromkeys(("endpoint", "raw_endpoint", "idea_id"), payload)
    # A method has no white space and no slash.
    texts["method"] = re.sub(r"[\s/\u202e\u2066\u200b]", "_", payload)[:32]
    metadata = {payload[:100]: payload}
    return full_event(id=f"event-{number}", **{**texts, "metadata": metadata})


def hostile_device_events(payload):
    """Return events of every kind with the payload in each of their texts."""
    for kind, fields in KIND_FIELDS.items():
        texts = {
            name: payload[:64]
            for name, value in fields.items()
            if isinstance(value, str) and name != "device_health"
        }
        yield event(kind, idempotency_key=f"{kind}-{payload}"[:100], **texts)


@pytest.fixture(scope="module")
def addresses(own):
    """Post the payloads in every text field of every domain; return the pages that show them."""
    with httpx.Client(base_url=own.url, timeout=30) as client:
        runs = [hostile_run(number, it) for number, it in enumerate(PAYLOADS)]
        sent = client.post("/api/v1/runs/batch", json=runs).json()
        assert sent["errors"] == []
        events = [hostile_event(number, it) for number, it in enumerate(PAYLOADS)]
        sent = client.post("/api/runtime/events/batch", json=events).json()
        assert sent["inserted"] > 10, sent
        for name in ("device-1", "javascript:caught"):
            device = {"tenant_id": "tenant-1", "device_type": PAYLOADS[1]}
            assert client.put(f"/api/v1/devices/{name}", json=device).status_code < 300
        ledger = [it for payload in PAYLOADS for it in hostile_device_events(payload)]
        sent = client.post("/api/v1/audio-runtime/events/batch", json=ledger).json()
        endpoints = client.get("/api/runtime/endpoints/summary").json()["endpoints"]
    quoted = [httpx.QueryParams({"endpoint": it["endpoint"][:500]}) for it in endpoints]
    return [
        *("/", "/?range=1h", "/runs", "/runs?search=hostile", "/runtime", "/devices"),
        *(f"/runs/hostile-{number}" for number in range(len(PAYLOADS))),
        *("/runs/compare?a=hostile-0&b=hostile-1", "/runs/compare?a=hostile-3"),
        *(f"/runtime?{it}" for it in quoted[::3]),
        *("/devices/tenant-1/device-1", "/devices/tenant-1/javascript:caught"),
        *(
            f"/{page}?{httpx.QueryParams({name: payload[:100]})}"
            for payload in PAYLOADS[:4]
            for page, name in (
                ("", "agent_name"),
                ("runs", "error"),
                ("runtime", "endpoint"),
                ("runs/compare", "a"),
            )
        ),
    ]


# Everything in a page that could lead somewhere or do something.
SUSPECTS = """() => {
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on") || name === "style") found.push(`${name}=${value}`);
    }
    if (["IMG", "IFRAME", "OBJECT", "EMBED", "BASE", "STYLE"].includes(element.tagName)) {
      found.push(element.outerHTML);
    }
    if (element.tagName === "A") {
      const url = new URL(element.href.baseVal ?? element.href, location);
      const hosts = [location.host, "github.com", "gitlab.com", "bitbucket.org"];
      if (!/^https?:$/.test(url.protocol) || !hosts.includes(url.host)) found.push(url.href);
    }
    if (element.tabIndex > 0) found.push(element.outerHTML);
  }
  if (document.scripts.length !== 1) found.push(`${document.scripts.length} scripts`);
  if (window.caught !== undefined) found.push("caught");
  return found;
}"""


def test_no_text_runs_loads_or_moves_anything(browser, own, addresses):
    with visit(browser, own.url) as visited:
        for path in addresses:
            page = visited.page
            page.set_viewport_size({"width": 1280, "height": 900})
            response = page.goto(own.url + path)
            assert response.status in (200, 404, 422), (path, response.status)
            page.evaluate("for (const it of document.querySelectorAll('details')) it.open = true")
            assert page.evaluate(SUSPECTS) == [], path
            assert visited.refused() == [], path
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        visited.check()


def test_the_texts_are_shown(browser, own, addresses):
    with visit(browser, own.url) as visited:
        text = visited.open("/runs/hostile-0").locator("main").inner_text()
        assert text.count("<script>window.caught=1</script>") > 10
        text = visited.open("/runs/hostile-11").locator("main").inner_text()
        assert "[U+202E]gnp.exe[U+2066] [U+200B]" in text
        text = visited.open("/devices/tenant-1/device-1").locator("main").inner_text()
        assert "window.caught=1" in text


def test_axe_finds_nothing_among_them(browser, own, addresses):
    with visit(browser, own.url) as visited:
        for path in ("/", "/runs", "/runs/hostile-3", "/devices/tenant-1/device-1"):
            visited.open(path)
            assert visited.axe() == []


def test_no_cell_of_an_export_is_a_formula(own, addresses):
    text = httpx.get(f"{own.url}/runs.csv").text
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == len(PAYLOADS) + 1
    assert [cell for row in rows for cell in row if cell.startswith(FORMULA)] == []
    assert any(cell.startswith("'=HYPERLINK") for row in rows for cell in row)
    response = httpx.get(f"{own.url}/runs.csv")
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
