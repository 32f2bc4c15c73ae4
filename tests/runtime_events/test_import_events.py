"""python -m telemetry import-events FILE."""

import json

import pytest
from click.testing import CliRunner

from telemetry.cli import main
from tests.support.runtime_events import URL, full_event, minimal_event


def old_event(event_id, **fields):
    return {
        **full_event(id=event_id),
        "recorded_at": "2026-01-31T12:00:00.500000Z",
        "runtime_cost_estimate": 0.5,
        "origin_idea_id": "idea-0",
        **fields,
    }


@pytest.fixture
def run(database_url, tmp_path):
    """Import a file with the given text; return the command's result."""

    def run_command(text, **environ):
        file = tmp_path / "import"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        variables = {"DATABASE_URL": database_url, "RUNTIME_DATABASE_URL": None, **environ}
        return CliRunner().invoke(main, ["import-events", str(file)], env=variables)

    return run_command


def lines(*events):
    return "".join(json.dumps(event) + "\n" for event in events)


def test_it_works(run, client, db):
    result = run(lines(old_event("a"), old_event("b")))
    assert result.exit_code == 0, result.output
    assert "2 imported, 0 already there, 0 unreadable" in result.stdout
    kept = client.get(URL).json["items"]
    assert kept == [
        {**old_event(it), "endpoint": "/api/ideas", "method": "POST"} for it in ("b", "a")
    ]
    assert db.execute("SELECT count(*) AS n FROM runtime_events").fetchone()["n"] == 2


def test_it_takes_a_document(run, client):
    document = {"events": [old_event(it) for it in "abc"]}
    result = run(json.dumps(document, indent=2))
    assert result.exit_code == 0
    assert "3 imported" in result.stdout
    assert [event["id"] for event in client.get(URL).json["items"]] == ["c", "b", "a"]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_it_takes_any_form_of_a_file(run, client, mark):
    events = [old_event(it) for it in "abc"]
    others = {f"key-{number}": {"a": [number]} for number in range(500)}
    for document in (events, {**others, "events": events}):
        for text in (json.dumps(document), json.dumps(document, indent=2)):
            result = run(mark + text)
            assert result.exit_code == 0, result.output
            assert "3 read" in result.stdout
    assert "0 imported, 3 already there" in run(mark + lines(*events)).stdout
    assert [event["id"] for event in client.get(URL).json["items"]] == ["c", "b", "a"]


def test_a_second_import_changes_nothing(run, client):
    nameless = old_event("x")
    del nameless["id"]
    text = lines(old_event("a"), nameless, nameless)
    assert "3 imported, 0 already there" in run(text).stdout
    before = client.get(URL).json
    again = run(text)
    assert again.exit_code == 0
    assert "0 imported, 3 already there, 0 unreadable" in again.stdout
    assert client.get(URL).json == before


def test_it_imports_the_file_of_the_file_backend(run, client, file_client, events_file):
    file_client.post(URL, json=full_event(id="a"))
    file_client.post(URL, json=minimal_event(id="b", runtime_ms=0.1))
    longest = {"endpoint": "x" * 4096, "method": "\N{LATIN SMALL LETTER J WITH CARON}" * 32}
    assert file_client.post(URL, json=minimal_event(id="c", **longest)).status_code == 201
    assert run(events_file.read_bytes()).exit_code == 0
    assert client.get(URL).json == file_client.get(URL).json


def test_it_reports_unreadable_lines_and_imports_the_others(run, client):
    text = (
        lines(old_event("a"))
        + "\n{torn\n"
        + lines({"id": "b"}, old_event("c"), old_event("d", runtime_ms=-1), 7)
    )
    result = run(text.encode() + b'{"id": "\xff"}\n{"id": "e')
    assert result.exit_code == 1
    assert "2 imported, 0 already there, 6 unreadable" in result.stdout
    named = [line.split(":")[0] for line in result.stderr.splitlines()]
    assert named == ["line 3", "line 4", "line 6", "line 7", "line 8", "line 9", "Error"]
    assert "runtime_ms: Must be greater than 0" in result.stderr
    assert {event["id"] for event in client.get(URL).json["items"]} == {"a", "c"}


def test_it_reports_unreadable_events_of_a_document(run, client):
    numbers = [float("nan"), float("inf"), 2**63]
    bad = [old_event(f"bad-{it}", metadata={"a": it}) for it in numbers]
    result = run(json.dumps({"events": [old_event("a"), {}, *bad]}))
    assert result.exit_code == 1
    named = [line.split(":")[:2] for line in result.stderr.splitlines()]
    assert named[0][0] == "event 2"
    assert named[1:4] == [[f"event {number}", " metadata"] for number in (3, 4, 5)]
    assert [event["id"] for event in client.get(URL).json["items"]] == ["a"]


def test_it_reports_progress_by_batch(run):
    result = run(lines(*(old_event(f"{number}") for number in range(2500))))
    assert [line.strip() for line in result.stdout.splitlines()][1:] == [
        "1,000 read",
        "2,000 read",
        "2,500 read",
        "2,500 imported, 0 already there, 0 unreadable",
    ]


def test_it_writes_to_the_database_of_the_runtime_events(
    run, runtime_database_url, make_app, client
):
    assert run(lines(old_event("a")), RUNTIME_DATABASE_URL=runtime_database_url).exit_code == 0
    other = make_app(database_url=runtime_database_url).test_client()
    assert len(other.get(URL).json["items"]) == 1
    assert client.get(URL).json["items"] == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        ("", {"DATABASE_URL": None}, "set DATABASE_URL"),
        ("", {"DATABASE_URL": None, "RUNTIME_EVENTS_PATH": "nowhere/events"}, "set DATABASE_URL"),
        ("{}", {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}, "can be run again"),
        ('{"events": [', {}, "can be run again"),
    ],
)
def test_it_reports_a_failure_in_one_line(run, text, environ, said):
    result = run(lines(old_event("a")) if text == "{}" else text, **environ)
    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_it_takes_an_empty_file(run):
    result = run("")
    assert result.exit_code == 0
    assert "0 imported" in result.stdout
