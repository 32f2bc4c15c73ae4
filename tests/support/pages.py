"""Reading pages, and what every page has to keep."""

import re
from html.parser import HTMLParser
from typing import Any

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
VOID = {"meta", "link", "br", "input", "img", "hr", "circle", "rect", "path", "line"}

# What an agent may have sent as any text.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "\u202egnp.exe\u2066",
    "{{ 7 * 7 }}{% raw %}",
    "]]>--><svg onload=alert(1)>",
    "ü🛰 名前",
    "n" * 10_000,
    "wide " * 2_000,
)


class Page(HTMLParser):
    """A page: its elements with their attributes, and the text that a person sees."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(markup)
        self.close()
        assert self._open == [], self._open
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, tag
        assert self._open.pop() == tag, (tag, self._open)

    def handle_data(self, data: str) -> None:
        self.text += data + " "

    def links(self) -> list[str]:
        """Return where the page leads, in order."""
        return [str(attributes.get("href")) for tag, attributes in self.elements if tag == "a"]


def open_page(client: Any, path: str, status: int = 200, **headers: str) -> Page:
    """Open a page as a browser does, and check what every page has to keep."""
    response = client.get(path, headers={**BROWSER, **headers})
    assert response.status_code == status, response.text
    return read_page(response)


def read_page(response: Any) -> Page:
    """Return the page of a response, after checking it."""
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    # The value of a form's field is sent back, so it is shown as it was sent.
    shown = re.sub(' value="[^"]*"', "", response.text)
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", shown)
    page = Page(response.text)
    titles = re.findall(r"<title>(.*?)</title>", response.text, re.DOTALL)
    assert all("<" not in title for title in titles)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)), ids
    for tag, attributes in page.elements:
        assert tag not in ("iframe", "object", "embed", "base", "img", "style"), tag
        assert not any(name.startswith("on") or name == "style" for name in attributes), attributes
        if tag == "script":
            assert (attributes["src"] or "").startswith("/static/")
        if tag == "link":
            assert (attributes["href"] or "").startswith("/static/")
        if "href" in attributes:
            assert re.match(r"(/(?!/)|#|https://)", attributes["href"] or ""), attributes
    return page
