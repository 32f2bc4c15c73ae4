"""Forks, signals, threads and the end of the interpreter."""

import logging
import socket
import sys
import threading
import time

import pytest

from telemetry.client import lifecycle
from tests.client.processes import PYTHONS, files, run_ids, run_script
from tests.client.stub import Stub


@pytest.fixture
def black_hole():
    """The URL of a server that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_recorded_last_is_sent_before_the_interpreter_ends(tmp_path, python):
    with Stub() as stub:
        run_script(tmp_path, stub.url, "client.end_run(client.start_run(run_id='a'))", python)
    assert run_ids(stub) == ["a"]
    assert [*(tmp_path / "spool").glob("*/*")] == []


@pytest.mark.faults
@pytest.mark.parametrize("ending", ["", "sys.exit(0)", "threading.Thread(target=sys.exit).start()"])
@pytest.mark.parametrize("is_hanging", [True, False])
def test_the_end_of_the_interpreter_is_not_held_up(tmp_path, black_hole, ending, is_hanging):
    url = black_hole if is_hanging else "http://127.0.0.1:9"
    base, _ = run_script(tmp_path / "base", url, "")
    seconds, _ = run_script(
        tmp_path, url, f"for _ in range(10): client.end_run(client.start_run())\n{ending}"
    )
    assert seconds - base < (4.5 if is_hanging else 3)
    assert len([*(tmp_path / "spool").glob("*/*.jsonl")]) == 1


@pytest.mark.faults
def test_clients_share_the_time_at_the_end(make_client, black_hole, monkeypatch):
    clients = [make_client(black_hole, exit_seconds=0.2) for _ in range(4)]
    for client in clients:
        client.start_run()
    senders = {client._channel.sender: 0.2 for client in clients}
    monkeypatch.setattr(lifecycle, "_senders", senders)
    begun = time.monotonic()
    lifecycle._at_exit()
    assert time.monotonic() - begun < 1.2


SIGNALS = """
count = 0
def handler(*_):
    global count
    count += 1
    client.end_run(client.start_run(job_type="signal"))
client._channel.spool._segment_bytes = 300_000
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
until, done = time.monotonic() + 1, 0
while time.monotonic() < until:
    client.end_run(client.start_run(job_type="main"))
    done += 1
signal.setitimer(signal.ITIMER_REAL, 0)
assert client.flush(30), (client.counters, client._channel.sender._done)
print(count, done)
"""


@pytest.mark.long
def test_a_signal_handler_may_record(tmp_path):
    with Stub() as stub:
        _, printed = run_script(tmp_path, stub.url, SIGNALS, timeout=40)
    signals, main = map(int, printed.split())
    assert signals > 100
    records = [record for request in stub.requests for record in request.records]
    ended = {it["event_id"]: it["job_type"] for it in records if it["status"] == "success"}
    assert sorted(ended.values()) == ["main"] * main + ["signal"] * signals


def test_a_signal_handler_may_record_at_any_line(make_client):
    """The calls of a handler come between any two lines of a call that it interrupts."""
    with Stub() as stub:
        client = make_client(stub.url)
        handled = []

        def at_each_line(frame, event, _):
            if event == "line":
                handled.append(client.record_event("/signal", 1))
            return at_each_line

        def at_each_call(frame, *_):
            name = frame.f_code.co_filename
            return at_each_line if "/telemetry/client/" in name or "/threading.py" in name else None

        def work():
            sys.settrace(at_each_call)
            client.end_run(client.start_run(job_type="main"))
            sys.settrace(None)
            while not client._channel.spool.sleeping:
                time.sleep(0.01)
            sys.settrace(at_each_call)
            client.end_run(client.start_run(job_type="main"))
            sys.settrace(None)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(3)
        assert not thread.is_alive()
        assert client.flush(5)
    sent = [record.get("id") for request in stub.requests for record in request.records]
    assert len(handled) > 100
    assert set(handled) <= set(sent)


def test_sigterm_may_end_the_run(tmp_path):
    body = (
        "run = client.begin_run(run_id='a')\n"
        "signal.signal(signal.SIGTERM, lambda *_: (run.end('cancelled'), sys.exit(0)))\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "time.sleep(10)"
    )
    with Stub() as stub:
        run_script(tmp_path, stub.url, body)
    assert stub.requests[-1].records[-1]["status"] == "cancelled"


def test_many_threads_report_about_many_runs(make_client):
    with Stub() as stub:
        client = make_client(stub.url)

        def work(number):
            for each in range(50):
                run = client.begin_run(run_id=f"{number}-{each}")
                run.set_metrics(items_succeeded=each)
                run.end()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.flush(20)
    records = [it for request in stub.requests for it in request.records if "run_id" in it]
    ended = [it["run_id"] for it in records if it["status"] == "success"]
    assert sorted(ended) == sorted(f"{n}-{each}" for n in range(8) for each in range(50))


def test_threads_may_change_one_run_while_another_ends_it(make_client):
    client = make_client(strict=False)
    for _ in range(30):
        run = client.begin_run()
        stop = threading.Event()

        def change(run=run, stop=stop):
            number = 0
            while not stop.is_set():
                number += 1
                client.update_run(run.run_id, **{f"field_{number % 50}": number})

        threads = [threading.Thread(target=change) for _ in range(2)]
        for thread in threads:
            thread.start()
        run.end()
        stop.set()
        for thread in threads:
            thread.join()
    assert "failures" not in client.counters


def test_a_client_that_is_forgotten_sends_the_rest_and_ends_its_thread(make_client, tmp_path):
    body = (
        "import gc\n"
        "client.start_run(run_id='a')\n"
        "del client\n"
        "gc.collect()\n"
        "until = time.monotonic() + 5\n"
        "while threading.active_count() > 1 and time.monotonic() < until: time.sleep(0.05)\n"
        "print(threading.active_count())"
    )
    with Stub() as stub:
        _, printed = run_script(tmp_path, stub.url, body)
    assert (run_ids(stub), printed.strip()) == (["a"], "1")


def test_a_handler_of_the_log_that_fails_is_no_failure_of_the_client(make_client, monkeypatch):
    def fail(*_):
        raise RuntimeError("the log is closed")

    monkeypatch.setattr(logging.getLogger("telemetry.client"), "handle", fail)
    make_client(strict=False).end_run("unknown")


def test_a_failure_of_the_client_is_no_failure_of_the_agent(make_client, monkeypatch, caplog):
    client = make_client(strict=False)
    run = client.begin_run()

    def fail(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(client._channel, "append", fail)
    for _ in range(3):
        assert client.start_run("a", "b", run_id="mine").startswith("error-mine")
        client.log_event(run.run_id, "checkpoint")
        assert client.associate_commit(run.run_id, "abcdef0123", "llm")[0] is False
        with client.track_run():
            pass
    run.end()
    assert client.counters["failures"] >= 10
    assert len([line for line in caplog.messages if "start_run failed" in line]) == 1
    assert files(client) != []
