"""Converting a document {"events": [...]} into lines."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.runtime_events import SUMMARY_URL, TOKEN_URL, URL, full_event


def old_event(number, **fields):
    return {
        **full_event(id=f"rt_{number}"),
        "recorded_at": f"2026-01-01T00:00:{number:02}.000000Z",
        "runtime_cost_estimate": 0.003,
        "origin_idea_id": "idea-0",
        **fields,
    }


def write_document(file, events, **more):
    file.write_text(json.dumps({**more, "events": events}, indent=2))


def listed(client):
    return [event["id"] for event in client.get(URL).json["items"]]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("more", [{}, {"version": 1, "name": 'a "b" c'}])
def test_it_works(file_client, events_file, indent, more):
    document = {**more, "events": [old_event(number) for number in range(5)], "last": True}
    events_file.write_text(json.dumps(document, indent=indent))
    assert file_client.post(URL, json=full_event(id="new")).status_code == 201
    assert listed(file_client) == ["new", "rt_4", "rt_3", "rt_2", "rt_1", "rt_0"]
    lines = [json.loads(line) for line in events_file.read_text().splitlines()]
    assert lines[:5] == [
        {**old_event(number), "endpoint": "/api/ideas", "method": "POST"} for number in range(5)
    ]
    assert file_client.post(URL, json=full_event(id="rt_0")).status_code == 200


@pytest.mark.parametrize("url", [URL, SUMMARY_URL, TOKEN_URL])
def test_a_read_converts_the_document_too(file_client, events_file, url):
    write_document(events_file, [old_event(1)])
    assert file_client.get(url).status_code == 200
    assert len(events_file.read_text().splitlines()) == 1
    assert listed(file_client) == ["rt_1"]


def test_it_converts_an_empty_document(file_client, events_file):
    write_document(events_file, [])
    assert listed(file_client) == []
    assert file_client.post(URL, json=full_event()).status_code == 201
    assert listed(file_client) == ["event-1"]


def test_it_sorts_the_events_by_time(file_client, events_file):
    write_document(events_file, [old_event(2), old_event(3), old_event(1)])
    assert listed(file_client) == ["rt_3", "rt_2", "rt_1"]


@pytest.mark.parametrize("metadata", [{"a": 10**22 + 1}, {"a": 10**400}, {"a": {"b": [1]}}])
def test_it_keeps_metadata_that_only_reads_accept(file_client, events_file, metadata):
    write_document(events_file, [old_event(2, metadata=metadata), old_event(3), old_event(1)])
    assert listed(file_client) == ["rt_3", "rt_2", "rt_1"]
    assert file_client.get(URL).json["items"][1]["metadata"] == metadata


def test_it_keeps_a_long_integer_of_an_incomplete_event(file_client, events_file):
    foreign = old_event(2, metadata={"a": 10**22 + 1})
    del foreign["raw_endpoint"]
    write_document(events_file, [foreign, old_event(3), old_event(1)])
    assert listed(file_client) == ["rt_3", "rt_2", "rt_1"]
    assert file_client.get(URL).json["items"][1]["metadata"] == foreign["metadata"]


def test_it_gives_ids_to_events_without_one(file_client, events_file):
    nameless = old_event(1)
    del nameless["id"], nameless["runtime_cost_estimate"]
    write_document(events_file, [nameless, nameless])
    assert len({*listed(file_client)}) == 2


def test_it_keeps_members_that_are_no_events(file_client, events_file, caplog):
    odd = old_event(3, metadata={"a": 1e400, "b": -1e400})
    others = [{"id": "no-time"}, odd, "\ud800", old_event(1, runtime_ms=-1), None, [1], 10**400]
    write_document(events_file, [others[0], old_event(2), *others[1:]])
    assert file_client.post(URL, json=full_event()).status_code == 201
    assert listed(file_client) == ["event-1", "rt_2"]
    lines = [json.loads(line) for line in events_file.read_text().splitlines()]
    assert lines[:7] == others
    assert sum("skipped" in message for message in caplog.messages) == 7


def test_it_keeps_the_permissions_of_the_file(file_client, events_file):
    write_document(events_file, [old_event(1)])
    events_file.chmod(0o640)
    assert listed(file_client) == ["rt_1"]
    assert events_file.stat().st_mode & 0o777 == 0o640


def test_it_follows_a_link(file_client, events_file):
    real = events_file.with_name("real")
    write_document(real, [old_event(1)])
    events_file.symlink_to(real)
    assert file_client.post(URL, json=full_event()).status_code == 201
    assert events_file.is_symlink()
    assert len(real.read_text().splitlines()) == 2


EVENTS = [old_event(number) for number in range(3)]
OTHERS = {f"key-{number}": {"a": [number, "events", None]} for number in range(400)}
LATE = {**OTHERS, "events": EVENTS}


def indented(document):
    return json.dumps(document, indent=2)


@pytest.mark.parametrize("mark", ["", "\ufeff", "\ufeff \n\n"])
@pytest.mark.parametrize("write", [json.dumps, indented])
@pytest.mark.parametrize(
    "document",
    [LATE, EVENTS, {"meta": {"events": [1]}, "events": EVENTS}, {"a": '\\"{[', "events": EVENTS}],
    ids=["late", "array", "behind another", "odd text"],
)
def test_it_takes_any_document(file_client, events_file, document, write, mark):
    events_file.write_text(mark + write(document))
    assert file_client.post(URL, json=full_event(id="new")).status_code == 201
    assert listed(file_client) == ["new", "rt_2", "rt_1", "rt_0"]
    lines = events_file.read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["rt_0", "rt_1", "rt_2", "new"]


@pytest.mark.parametrize("write", [json.dumps, indented])
@pytest.mark.parametrize("document", [LATE, EVENTS], ids=["late", "array"])
def test_it_takes_what_was_appended_to_a_document(file_client, events_file, document, write):
    appended = f"{json.dumps(old_event(7))}\n{{torn\n{json.dumps(old_event(8))}\n"
    events_file.write_text(f"{write(document)}\n{appended}")
    assert listed(file_client) == ["rt_8", "rt_7", "rt_2", "rt_1", "rt_0"]
    assert "{torn" in events_file.read_text().splitlines()


@pytest.mark.parametrize(
    "text",
    [
        '{"events": [{"id": "a"},',
        '\ufeff{"events": [{"id": "a"},',
        '[{"id": "a"},',
        json.dumps(LATE)[:-1],
        indented(LATE)[:-1],
        indented(EVENTS)[:-1],
        indented({"data": EVENTS}),
        '{"events": {"id": "a"\n}}',
        '["\udcff"]',
    ],
)
def test_it_leaves_a_broken_document_alone(file_client, events_file, text):
    events_file.write_text(text, errors="surrogateescape")
    before = events_file.read_bytes()
    for response in (file_client.post(URL, json=full_event()), file_client.get(URL)):
        assert response.status_code == 503
        assert "document" in response.json["detail"]
    assert events_file.read_bytes() == before


@pytest.mark.parametrize(
    "first",
    [
        '{"id": "to',
        '{"id": "a", "source":',
        '{"id": "a", "metadata": {"b":',
        '{"id": "a",',
        '{"id": "a"}',
        "{",
        json.dumps(old_event(9, metadata={"long": "x" * 5000}))[:-5],
        json.dumps({**old_event(9), "events": []}),
        "7",
    ],
)
def test_lines_whose_first_is_odd_stay_lines(file_client, events_file, first):
    lines = [json.dumps(old_event(number, metadata={"a": 1})) for number in (1, 2)]
    events_file.write_text("\n".join([first, *lines]) + "\n")
    before = events_file.read_text()
    assert file_client.post(URL, json=full_event(id="new")).status_code == 201
    assert events_file.read_text().startswith(before)
    assert [it for it in listed(file_client) if it != "rt_9"] == ["new", "rt_2", "rt_1"]


def test_a_mark_before_lines_is_skipped(file_client, events_file):
    events_file.write_text(f"\ufeff{json.dumps(old_event(1))}\n{json.dumps(old_event(2))}\n")
    assert listed(file_client) == ["rt_2", "rt_1"]
    assert file_client.post(URL, json=full_event(id="rt_1")).status_code == 200
    assert file_client.post(URL, json=full_event(id="new")).status_code == 201
    assert listed(file_client) == ["new", "rt_2", "rt_1"]


def test_a_long_first_line_stays_a_line(file_client, events_file):
    long = old_event(1, metadata={"events": "x" * 10_000})
    events_file.write_text(json.dumps(long) + "\n" + json.dumps(old_event(2)) + "\n")
    assert listed(file_client) == ["rt_2", "rt_1"]


def test_it_starts_again_after_a_crash(file_client, events_file):
    write_document(events_file, [old_event(1)])
    events_file.with_name("events.jsonl.converting").write_text("half a li")
    assert listed(file_client) == ["rt_1"]


def test_only_one_of_many_processes_converts_it(make_app, events_file):
    write_document(events_file, [old_event(number) for number in range(50)])
    apps = [make_app(database_url=None, runtime_events_path=events_file) for _ in range(4)]

    def post(number):
        client = apps[number % 4].test_client()
        return client.post(URL, json=full_event(id=f"new_{number}")).status_code

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(post, range(16))] == [201] * 16
    found = listed(apps[0].test_client())
    assert sorted(found) == sorted(
        [f"rt_{number}" for number in range(50)] + [f"new_{number}" for number in range(16)]
    )
