"""Whatever is sent again, and by whom, a run ends as its end said."""

import random
import shutil

import pytest

from telemetry.client.sending import lines
from tests.client.processes import die

SCRIPT = """
run = client.begin_run(run_id="kept", product="slides")
for n in range(4):
    run.set_metrics(items_succeeded=n, output_summary="so far")
run.associate_commit("aaaaaaaaaa", "llm", "First <first@example.org>")
run.set_metrics(items_failed=3)
run.end("partial", items_succeeded=50, output_summary="done")
client.associate_commit("kept", "bbbbbbbbbb", "ci")
client.update_run("kept", items_skipped=2)
client.update_run("kept", items_skipped=4, error_summary="found later")
open_run = client.begin_run(run_id="open")
open_run.set_metrics(items_succeeded=1)
open_run.set_metrics(items_succeeded=2)
"""

EXPECTED = {
    "status": "partial",
    "product": "slides",
    "items_succeeded": 50,
    "items_failed": 3,
    "items_skipped": 4,
    "output_summary": "done",
    "error_summary": "found later",
    "git_commit_hash": "bbbbbbbbbb",
    "git_commit_source": "ci",
    "git_commit_author": "First <first@example.org>",
}


def assert_stored(service):
    runs = {run["run_id"]: run for run in service.client.get("/api/v1/runs").json()}
    assert {name: runs["kept"][name] for name in EXPECTED} == EXPECTED
    assert (runs["open"]["status"], runs["open"]["items_succeeded"]) == ("running", 2)
    assert len([run for run in runs.values() if run["agent_name"] == "dying"]) == 2


def send(make_client, service, spool):
    client = make_client(service.url, spool_dir=spool)
    assert client.flush(20, leftovers=True)
    client.close()
    assert [*client.spool_folder.glob("*.jsonl")] == []
    assert "rejected" not in client.counters


def test_a_spool_can_be_sent_again(make_client, service, tmp_path):
    die(tmp_path / "spool", SCRIPT, service.url)
    shutil.copytree(tmp_path / "spool", tmp_path / "copy")
    for name in ("spool", "copy"):
        send(make_client, service, tmp_path / name)
        assert_stored(service)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_spool_can_be_sent_in_parts_and_any_part_again(
    make_client, service, tmp_path, monkeypatch, size
):
    """A sender that was killed before it remembered what was acknowledged begins earlier."""
    monkeypatch.setattr("telemetry.client.spool.streams.MAX_LINES", size)
    die(tmp_path / "spool", SCRIPT, service.url)
    (segment,) = (tmp_path / "spool").glob("*/*.jsonl")
    content = segment.read_bytes().splitlines(keepends=True)
    for end in [*random.sample(range(1, len(content)), 4), len(content)]:
        part = tmp_path / f"part-{end}"
        shutil.copytree(tmp_path / "spool", part)
        (copied,) = part.glob("*/*.jsonl")
        copied.write_bytes(b"".join(content[:end]))
        send(make_client, service, part)
    assert_stored(service)


def test_a_late_report_of_progress_changes_nothing(make_client, service):
    client = make_client(service.url)
    run = client.begin_run(run_id="kept")
    run.end("partial", items_succeeded=50)
    assert client.flush(10)
    progress = f'"event_id":"{run.event_id}","items_succeeded":1,"status":"running"'
    client._append(f'{{"progress":{{{progress}}}}}\n', 1)
    assert client.flush(10)
    (stored,) = service.client.get("/api/v1/runs").json()
    assert (stored["status"], stored["items_succeeded"]) == ("partial", 50)
    assert client.counters["superseded"] == 1


def line(kind, event_id, fields='"a":1'):
    return f'{{"{kind}":{{"event_id":"{event_id}",{fields}}}}}'.encode()


def test_lines_become_as_few_requests_as_possible():
    made, torn = lines.requests(
        [
            line("run", "a"),
            line("progress", "a"),
            line("run", "b"),
            line("progress", "b"),
            line("progress", "b", '"c":2'),
            line("end", "a", '"a":2'),
            line("commit", "a"),
            line("commit", "a", '"a":3'),
            line("change", "a"),
            b'{"event":{"id":"e"}}',
            b'{"run":{"event_id":"torn',
        ]
    )
    assert torn == 1
    runs, events, *changes = made
    assert runs.records == [b'{"event_id":"a","a":2}', b'{"event_id":"b","a":1}']
    assert events.records == [b'{"id":"e"}']
    assert {(it.kind, it.event_id): it.fields for it in changes} == {
        (lines.PROGRESS, "b"): {"a": 1, "c": 2},
        (lines.COMMIT, "a"): {"a": 3},
        (lines.CHANGE, "a"): {"a": 1},
    }


@pytest.mark.parametrize("event_id", ['a"b', "a\\\\", 'a\\\\"b', "ä", "x" * 255])
def test_any_event_id_is_found_in_its_record(make_client, service, event_id):
    client = make_client(service.url)
    run = client.begin_run(event_id=event_id)
    assert run.event_id == event_id
    run.set_metrics(items_succeeded=1)
    assert client.flush(10)
    run.end(items_failed=2)
    other = client.begin_run(event_id=f"{event_id[:250]}-2")
    other.set_metrics(items_succeeded=3)
    other.end()
    assert client.flush(10)
    stored = {run["event_id"]: run for run in service.client.get("/api/v1/runs").json()}
    assert {run["status"] for run in stored.values()} == {"success"}
    assert (stored[event_id]["items_succeeded"], stored[event_id]["items_failed"]) == (1, 2)
    assert "rejected" not in client.counters
