"""The page of runtime events."""

import pytest

from telemetry.database import statements
from tests.support.pages import HOSTILE, open_page
from tests.support.runtime_events import minimal_event


@pytest.fixture
def post(client):
    def create(*events):
        body = client.post("/api/runtime/events/batch", json={"events": events}).json
        assert body["inserted"] == len(events), body

    return create


def test_an_empty_page_says_what_to_do_next(client):
    assert "curl -X POST http://localhost/api/runtime/events" in open_page(client, "/runtime").text


def test_it_adds_up_endpoints_and_ideas(client, post):
    post(
        *(minimal_event(runtime_ms=n, idea_id="idea-1") for n in range(1, 101)),
        minimal_event(endpoint="/api/bad", status_code=500, runtime_ms=2000, source="worker"),
    )
    text = open_page(client, "/runtime").text
    assert "/api/bad 1 1 100 % 2.0 s 2.0 s 2.0 s $0.004" in text
    assert "/api/ideas 100 0 0 % 50 ms 95 ms 99 ms $0.01" in text
    assert "idea-1 100 5.0 s" in text
    assert "unmapped 1 2.0 s" in text
    assert "/api/bad" not in open_page(client, "/runtime?source=api").text


def test_one_endpoint_over_time(client, post):
    post(
        *(minimal_event(runtime_ms=n) for n in range(1, 101)),
        minimal_event(status_code=500, runtime_ms=101),
        minimal_event(endpoint="/api/ideas/2", runtime_ms=9999),
    )
    page = open_page(client, "/runtime?endpoint=/api/ideas&range=1h")
    assert "Events 101 last 0 s ago" in page.text
    assert "1 of 101" in page.text
    assert "p50 51 ms" in page.text
    assert "p95 96 ms" in page.text


def test_an_endpoint_without_events_says_so(client):
    page = open_page(client, "/runtime?endpoint=/nothing")
    assert "No event of this endpoint in this time" in page.text
    assert "Cost –" in page.text


def test_one_endpoint_does_not_read_the_events_of_the_others(client, db, post):
    post(*(minimal_event(endpoint=f"/api/{n % 50}") for n in range(5000)))
    db.execute("VACUUM ANALYZE runtime_events")
    parameters = {
        "endpoint": "/api/7",
        "recorded_from": "2000-01-01",
        "recorded_until": "2100-01-01",
        "step": "1 hour",
        "source": None,
    }
    for name in ("pages/endpoint", "pages/endpoint_over_time"):
        plan = db.execute(b"EXPLAIN ANALYZE " + statements.load(name), parameters).fetchall()
        assert "ix_runtime_events_endpoint_recorded_at" in str(plan)


@pytest.mark.parametrize("query", ["range=2h", "source=other", "x=1", "endpoint=%00"])
def test_a_filter_that_makes_no_sense_has_a_message(client, query):
    open_page(client, f"/runtime?{query}", status=422)


def test_what_was_posted_is_only_text(client, post):
    post(*(minimal_event(endpoint="/" + text[:4000], idea_id=text[:200]) for text in HOSTILE))
    page = open_page(client, "/runtime")
    for path in page.links():
        if "endpoint=" in path:
            open_page(client, path)
    open_page(client, "/")


@pytest.mark.parametrize(
    ("sort", "first"),
    [("errors", "/c"), ("rate", "/b"), ("events", "/a"), ("p95", "/a"), ("endpoint", "/a")],
)
def test_endpoints_are_sorted_by_any_column(client, post, sort, first):
    post(
        *(minimal_event(endpoint="/a", runtime_ms=900) for _ in range(5)),
        minimal_event(endpoint="/b", runtime_ms=5, status_code=500),
        *(minimal_event(endpoint="/c", runtime_ms=6, status_code=500) for _ in range(2)),
        minimal_event(endpoint="/c", runtime_ms=6),
    )
    page = open_page(client, f"/runtime?sort={sort}")
    named = [link for link in page.links() if "endpoint=" in link]
    assert f"endpoint=%2F{first[1:]}" in named[0]
    ordered = [
        attributes["aria-sort"] for _, attributes in page.elements if "aria-sort" in attributes
    ]
    assert ordered == ["ascending" if sort == "endpoint" else "descending"]


def test_a_column_that_does_not_exist_is_named(client):
    assert "Must be one of: errors, rate" in open_page(client, "/runtime?sort=x", status=422).text


@pytest.mark.parametrize("sort", ["errors", "p95", "endpoint"])
def test_every_endpoint_is_on_a_page(client, post, sort):
    names = [f"/{n:03}" for n in range(230)]
    post(*(minimal_event(endpoint=name, runtime_ms=n + 1) for n, name in enumerate(names)))
    in_order = names if sort == "endpoint" else names[::-1]
    path, shown = f"/runtime?sort={sort}", []
    while path:
        page = open_page(client, path)
        shown += [
            it.partition("endpoint=%2F")[2][:3] for it in page.links() if "endpoint=%2F" in it
        ]
        nexts = [it for tag, it in page.elements if tag == "a" and it.get("rel") == "next"]
        path = nexts[0]["href"] if nexts else None
    assert shown == [name[1:] for name in in_order]
    page = open_page(client, f"/runtime?sort={sort}&offset=100")
    assert "101–200 of 230" in page.text
    assert any(tag == "a" and it.get("rel") == "prev" for tag, it in page.elements)


def test_a_page_behind_the_last_one_leads_back(client, post):
    post(minimal_event())
    page = open_page(client, "/runtime?offset=100")
    assert "There is no endpoint on this page" in page.text
    assert "/runtime" in page.links()[10:]


def test_endpoints_can_be_filtered_by_how_they_begin(client, post):
    post(*(minimal_event(endpoint=name) for name in ("/a/1", "/a/2", "/b")))
    page = open_page(client, "/runtime?endpoint_prefix=/a")
    assert sum("endpoint=" in link for link in page.links()) == 2
    assert "No event in this time fits" in open_page(client, "/runtime?endpoint_prefix=/c").text


def test_an_idea_leads_to_its_endpoints(client, post):
    post(
        minimal_event(endpoint="/a", idea_id="first"),
        minimal_event(endpoint="/b", idea_id="second"),
        minimal_event(endpoint="/c"),
    )
    found = {}
    for path in open_page(client, "/runtime?range=1h").links():
        if "idea_id=" in path:
            assert "range=1h" in path
            links = [it for it in open_page(client, path).links() if "endpoint=%2F" in it]
            found[path.partition("idea_id=")[2]] = [it[-1] for it in links]
    assert found == {"first": ["a"], "second": ["b"], "unmapped": ["c"]}


def test_a_window_from_to(client, db, post):
    post(minimal_event(id="old"), minimal_event(id="new", endpoint="/new"))
    db.execute("UPDATE runtime_events SET recorded_at = '2026-01-02' WHERE id = 'old'")
    page = open_page(client, "/runtime?created_after=2026-01-01&created_before=2026-01-03")
    (link,) = [it for it in page.links() if "endpoint=" in it]
    assert "Events 1 " in open_page(client, link).text
    page = open_page(client, "/runtime?created_after=2026-01-03&created_before=2026-01-01", 422)
    assert "Must be later than the start" in page.text


@pytest.mark.parametrize("query", ["created_after=1000-01-01", "offset=-1", "offset=x"])
def test_a_bad_window_or_place_has_a_message(client, query):
    open_page(client, f"/runtime?{query}", status=422)


@pytest.mark.parametrize("name", ["/" + "n" * 3000, "/" + "ü" * 600])
def test_the_whole_name_of_an_endpoint_is_in_its_link(client, post, name):
    post(minimal_event(endpoint=name))
    for path in ("/runtime", "/"):
        links = [it for it in open_page(client, path).links() if "endpoint=" in it]
        assert links
        assert "Events 1 " in open_page(client, links[0]).text


def test_a_name_that_is_too_long_for_a_link_says_so(client, post):
    post(minimal_event(endpoint="/" + "ü" * 2000))
    for path in ("/runtime", "/"):
        page = open_page(client, path)
        assert not any("endpoint=" in link for link in page.links())
        titles = [str(it["title"]) for _, it in page.elements if "title" in it]
        assert any(it.startswith("Its name is too long for a link: /ü") for it in titles)


def test_the_overview_shows_slow_endpoints_without_errors(client, post):
    post(
        *(minimal_event(endpoint=f"/error-{n}", status_code=500, runtime_ms=5) for n in range(7)),
        minimal_event(endpoint="/slow", runtime_ms=60_000),
    )
    text = open_page(client, "/").text
    assert "slowest /slow 1 0 % 1 m 00 s" in text
    assert "all 8 →" in text


def test_the_overview_leads_to_its_own_window(client, db, post):
    post(minimal_event())
    db.execute("UPDATE runtime_events SET recorded_at = '2026-01-02'")
    page = open_page(client, "/?created_after=2026-01-01&created_before=2026-01-03")
    links = [it for it in page.links() if it.startswith("/runtime?")]
    assert len(links) == 2
    for link in links:
        assert "No " not in open_page(client, link).text
