"""The page of one run, and two of them side by side."""

import pytest

from tests.pages.test_overview import at
from tests.support.pages import HOSTILE, open_page
from tests.support.runs import full_run, minimal_run


@pytest.fixture
def post(client):
    def create(*records):
        assert client.post("/api/v1/runs/batch", json=records).json["inserted"] == len(records)

    return create


def test_it_shows_every_field(client, post):
    run = full_run(metrics_json={"tokens_in": 1200, "tokens_out": 34, "cost_usd": 0.5, "deep": [1]})
    post(run)
    page = open_page(client, "/runs/event-1")
    for field in ("input_summary", "output_summary", "source_ref", "website", "host", "item_name"):
        assert run[field] in page.text, field
    assert "1,234 1,200 in · 34 out" in page.text
    assert "$0.50" in page.text
    assert "7 of 10 2 failed · 1 skipped" in page.text
    assert "deep   [0] 1" in page.text.replace("\xa0", " ") or "[0] 1" in page.text
    assert "ünïcode" in page.text
    assert "all 20 lines" in page.text
    assert "https://github.com/owner/name" in page.links()
    assert "/api/v1/runs/event-1" in page.links()


def test_a_run_that_does_not_exist_is_a_friendly_page(client):
    page = open_page(client, "/runs/no-such-run", status=404)
    assert "There is no run with the event_id no-such-run" in page.text


def test_the_timeline_has_parent_siblings_and_children(client, post):
    post(
        minimal_run("parent", run_id="p", start_time=at(minutes=9), duration_ms=500_000),
        minimal_run("this", run_id="t", parent_run_id="p", start_time=at(minutes=8)),
        minimal_run("before", run_id="b", parent_run_id="p", start_time=at(minutes=9)),
        minimal_run("child", run_id="c", parent_run_id="t", start_time=at(minutes=7)),
        minimal_run("stranger", run_id="x", parent_run_id="y"),
    )
    page = open_page(client, "/runs/this")
    linked = [path for path in page.links() if path.startswith("/runs/")]
    place = linked.index("/runs/parent")
    assert linked[place : place + 4] == [
        "/runs/parent",
        "/runs/before",
        "/runs/this",
        "/runs/child",
    ]
    assert "Timeline" not in open_page(client, "/runs/stranger").text


def test_durations_are_of_the_same_agent_and_job(client, post):
    post(
        *(
            minimal_run(f"r{n}", status="success", duration_ms=1000 + n, created_at=at(minutes=n))
            for n in range(130)
        ),
        minimal_run("other", job_type="audit", duration_ms=99_000_000),
    )
    page = open_page(client, "/runs/r5")
    assert "last 100 of this job" in page.text
    assert "/runs/other" not in page.links()
    assert "last 20 of this job" in open_page(client, "/runs/r110").text


def test_it_counts_the_runs_that_failed_with_the_same_error(client, post):
    failed = {"status": "failure", "error_summary": "KeyError"}
    post(*(minimal_run(f"r{n}", created_at=at(minutes=n), **failed) for n in range(3)))
    assert "3 runs failed like this within a day" in open_page(client, "/runs/r1").text


def test_large_and_strange_objects_do_not_break_the_page(client, post):
    deep = current = {}
    for _ in range(50):
        current["in"] = {}
        current = current["in"]
    post(
        minimal_run("deep", context_json=deep, metrics_json={f"m{n}": n for n in range(5000)}),
        minimal_run("odd", metrics_json={"cost_usd": True, "tokens_in": "x", "": [[], {}, None]}),
        minimal_run("long", error_details="x" * 300_000, error_summary="y" * 10_000),
        minimal_run("old", start_time="0001-01-01T00:00:00Z", end_time="9999-12-31T00:00:00Z"),
        minimal_run("huge", duration_ms=2**63 - 1, status="success"),
    )
    for name in ("deep", "odd", "long", "old", "huge"):
        open_page(client, f"/runs/{name}")
        open_page(client, f"/runs/compare?a={name}&b=odd")
    open_page(client, "/runs")
    open_page(client, "/")


@pytest.mark.parametrize(
    "fields",
    [
        {"created_at": "0001-01-01T00:00:00Z"},
        {"created_at": "9999-12-31T23:59:59.999999Z"},
        {"metrics_json": {"tokens_in": 1e308, "tokens_out": 1e308}},
        {"metrics_json": {"tokens_in": 2**63 - 1, "tokens_out": 1.5, "x": 1e308}},
    ],
)
def test_no_stored_value_breaks_its_page(client, post, fields):
    post(minimal_run("r1", status="failure", error_summary="KeyError", **fields))
    page = open_page(client, "/runs/r1")
    for link in page.links():
        if link.startswith("/runs?"):
            open_page(client, link)
    open_page(client, "/runs/compare?a=r1&b=r1")
    open_page(client, "/runs")


def test_integers_are_exact(client, post):
    post(
        minimal_run("r1", metrics_json={"tokens_in": 2**53 + 1, "tokens_out": 2}),
        minimal_run("r2", metrics_json={"tokens_in": 2**53 + 2, "tokens_out": 2}),
    )
    assert (
        "9,007,199,254,740,995 9,007,199,254,740,993 in · 2 out"
        in open_page(client, "/runs/r1").text
    )
    assert (
        "tokens_in 9,007,199,254,740,993 9,007,199,254,740,994 +1 "
        in open_page(client, "/runs/compare?a=r1&b=r2").text
    )


def test_a_run_called_compare_has_a_page(client, post):
    assert "enter two event_ids" in open_page(client, "/runs/compare").text
    post(minimal_run("compare", host="its-host"), minimal_run("other"))
    assert "its-host" in open_page(client, "/runs/compare").text
    assert "other" in open_page(client, "/runs/compare?a=compare").text
    assert "duration" not in open_page(client, "/runs/compare?a=compare&b=other").text


@pytest.mark.parametrize(
    ("a", "b", "shown"),
    [
        (1, "1", 'it 1 "1"'),
        (True, "true", 'it true "true"'),
        (1000, "1,000", 'it 1000 "1,000"'),
        (True, 1, "it true 1"),
        (None, "null", 'it null "null"'),
        ([{}], [[]], "it[0] {} []"),
        (1, 1.0, None),
        ("x" * 2001 + "a", "x" * 2001 + "b", "(1,961 equal characters) …"),
        ({"deep": {"er": {"b": {"c": {"d": {"e": {"f": 1}}}}}}},) * 2 + (None,),
        (
            {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}},
            {"a": {"b": {"c": {"d": {"e": {"f": {"g": True}}}}}}},
            'it.a.b.c.d.e.f {"g": 1} {"g": true}',
        ),
        ([0] * 3000 + [1], [0] * 3000 + [2], "it[3000] 1 2 +1"),
    ],
)
def test_a_comparison_compares_values(client, post, a, b, shown):
    post(
        minimal_run("a", context_json={"it": a}),
        minimal_run("b", context_json={"it": b}),
    )
    text = open_page(client, "/runs/compare?a=a&b=b").text
    assert ("Context that differs" in text) == (shown is not None)
    assert shown is None or shown in text


def test_a_comparison_says_what_it_leaves_out(client, post):
    post(
        minimal_run("a", metrics_json={f"m{n}": n for n in range(1200)}),
        minimal_run("b", metrics_json={f"m{n}": n + (n >= 600) for n in range(1200)}),
    )
    text = open_page(client, "/runs/compare?a=a&b=b").text
    assert "m600 600 601 +1" in text
    assert "Not shown: 100 more that differ, and 600 that are equal." in text


def test_a_page_says_what_it_leaves_out(client, post):
    deep = {"a": {"b": {"c": {"d": {"e": {"f": {"g": [True, None, "ü"]}}}}}}}
    post(
        minimal_run(
            "r1",
            parent_run_id="p",
            run_id="t",
            metrics_json={f"m{n}": n for n in range(300)},
            context_json=deep,
            input_summary="i" * 2000,
            error_details="line\n" * 11_000,
            status="failure",
        ),
        *(minimal_run(f"s{n}", run_id=f"s{n}", parent_run_id="p") for n in range(45)),
        *(minimal_run(f"c{n}", run_id=f"c{n}", parent_run_id="t") for n in range(40)),
    )
    page = open_page(client, "/runs/r1")
    assert "These are the first 200: the raw JSON has all of them." in page.text
    assert "It is longer: the raw JSON has all of it." in page.text
    assert "the first 10,000 of 11,000 lines" in page.text
    assert 'g [true, null, "ü"]' in page.text
    assert "There are more siblings: all of them" in page.text
    assert "There are more children" not in page.text
    assert "/runs?parent_run_id=p" in page.links()
    assert sum(it.startswith("/runs/s") for it in page.links()) == 40
    assert sum(it.startswith("/runs/c") for it in page.links()) == 40 + 1


def test_a_long_duration_is_short_to_read(client, post):
    post(
        minimal_run("r1", duration_ms=2**63 - 1, status="success"),
        minimal_run("r2", duration_ms=36_524 * 86_400_000, status="success"),
        minimal_run("r3", duration_ms=364_000 * 86_400_000, status="success"),
    )
    assert "Duration 2.9e+08 y" in open_page(client, "/runs/r1").text
    assert "Duration 36,524 d" in open_page(client, "/runs/r2").text
    assert "Duration 997 y" in open_page(client, "/runs/r3").text


def test_what_an_agent_posted_is_only_text(client):
    for number, text in enumerate(HOSTILE):
        run = {
            name: text
            for name, value in full_run().items()
            if isinstance(value, str)
            and name not in ("status", "git_commit_source")
            and "time" not in name
            and not name.endswith("_at")
        }
        names = dict.fromkeys(("run_id", "agent_name", "job_type"), text[:255].strip())
        value = {text: {text: text}, "b": [text]}
        objects = {"metrics_json": value, "context_json": value}
        sent = {**full_run(), **run, **names, **objects, "event_id": f"e{number}"}
        assert client.post("/api/v1/runs", json=sent).status_code == 201
        page = open_page(client, f"/runs/e{number}")
        assert not any(path.startswith("http") for path in page.links())
        open_page(client, f"/runs/compare?a=e{number}&b=e0")


def test_an_event_id_of_any_characters_has_a_page(client, post):
    names = ["a?b=c", "a#b", "%2e", "ü", '"quoted"', "<b>", "a+b&c", "{{x}}"]
    post(*(minimal_run(name) for name in names))
    for path in open_page(client, "/runs").links():
        if path.startswith("/runs/"):
            open_page(client, path)


def test_it_compares_two_runs(client, post):
    post(
        minimal_run("a", duration_ms=1000, status="success", metrics_json={"pages": 10, "same": 1}),
        minimal_run("b", duration_ms=1500, status="failure", metrics_json={"pages": 15, "same": 1}),
    )
    text = open_page(client, "/runs/compare?a=a&b=b").text
    assert "duration 1.0 s 1.5 s +50 %" in text
    assert "status success failure" in text
    assert "pages 10 15 +5 +50 %" in text
    assert "/runs/compare?a=a&b=b" in open_page(client, "/runs/compare?a=a").links()


@pytest.mark.parametrize("query", ["a=nothing", "a=nothing&b=nothing", "c=d"])
def test_a_comparison_that_makes_no_sense_says_so(client, query):
    response = client.get(f"/runs/compare?{query}", headers={"Accept": "text/html"})
    assert response.status_code in (404, 422)
    open_page(client, f"/runs/compare?{query}", status=response.status_code)
