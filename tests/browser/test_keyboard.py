"""Every page can be used with the keyboard alone, and shows where it is."""

import pytest

from tests.browser.visit import visit

PAGES = ["/", "/runs", "/runtime", "/devices", "/devices/acme/kitchen-1", "/status"]

# What has the focus: its place in the document, and whether a person can see it and its ring.
FOCUS = """() => {
  const element = document.activeElement;
  if (element === document.body) return null;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const all = [...document.querySelectorAll("*")];
  return {
    place: all.indexOf(element),
    text: element.outerHTML.slice(0, 120),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight
      && box.right > 0 && box.left < innerWidth,
  };
}"""


def steps(page):
    """Press Tab until the focus leaves the page; yield where it stops."""
    for _ in range(400):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus is None:
            return
        yield focus
    raise AssertionError("the focus never leaves the page")


@pytest.mark.parametrize("path", PAGES)
def test_tab_goes_through_a_page_in_its_order_and_is_seen(browser, month, path):
    with visit(browser, month.url) as visited:
        page = visited.open(path)
        stops = list(steps(page))
        assert [stop for stop in stops if not (stop["ring"] and stop["seen"])] == []
        places = [stop["place"] for stop in stops]
        assert places == sorted(places)
        assert len(stops) > 8


def test_the_first_stop_skips_to_the_content(browser, month):
    with visit(browser, month.url) as visited:
        page = visited.open("/runs")
        page.keyboard.press("Tab")
        assert page.get_by_text("Skip to the content").is_visible()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Tab")
        assert page.evaluate("document.getElementById('main').contains(document.activeElement)")
        assert page.evaluate("document.activeElement.textContent") == "CSV"


def test_a_person_filters_with_the_keyboard(browser, month):
    with visit(browser, month.url) as visited:
        page = visited.open("/runs")
        page.get_by_text("All filters").focus()
        page.keyboard.press("Enter")
        page.get_by_label("Agent").focus()
        page.keyboard.type("seo-auditor")
        page.keyboard.press("Enter")
        page.wait_for_url("**agent_name=seo-auditor**")
        assert page.locator("#runs tbody tr").count() > 5
