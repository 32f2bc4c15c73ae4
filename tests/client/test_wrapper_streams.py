"""Signals and output of a command that the wrapper runs."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.client.processes import spooled
from tests.support.service import PROJECT, environment
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

NOWHERE = "http://127.0.0.1:9"

PASSED = ["HUP", "INT", "TERM", "USR1", "USR2", "QUIT"]


@pytest.mark.parametrize("name", PASSED)
def test_a_signal_is_passed_on(start_wrapper, tmp_path, name):
    script = f"trap 'echo got {name}; exit 7' {name}; echo ready; while :; do sleep 0.05; done"
    process = start_wrapper(script, "--flush-seconds", "0", start_new_session=True)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(getattr(signal, f"SIG{name}"))
    assert process.stdout.readline() == f"got {name}\n".encode()
    assert process.wait(10) == 7
    (record,) = spooled(tmp_path)
    assert record["status"] == ("failure" if name.startswith("USR") else "cancelled")


def test_a_command_that_a_signal_ends_was_cancelled(start_wrapper, tmp_path):
    process = start_wrapper("echo ready; exec sleep 20", "--flush-seconds", "0")
    process.stdout.readline()
    process.terminate()
    assert process.wait(10) == 143
    (record,) = spooled(tmp_path)
    assert (record["status"], record["error_summary"]) == ("cancelled", "ended by SIGTERM")


def test_an_ignored_signal_stays_ignored_for_the_command(start_wrapper):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    script = "kill -HUP $$; echo alive"
    process = start_wrapper(script, "--flush-seconds", "0", preexec_fn=ignore)
    assert process.stdout.readline() == b"alive\n"
    process.send_signal(signal.SIGHUP)
    assert process.wait(10) == 0


def test_the_exit_status_is_known_when_ended_children_are_ignored(start_wrapper):
    def ignore():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    process = start_wrapper("exit 4", "--flush-seconds", "0", preexec_fn=ignore)
    assert process.wait(10) == 4


def test_output_is_passed_on_at_once_and_unchanged(start_wrapper):
    process = start_wrapper("printf 'a\\0\\377'; sleep 20", "--flush-seconds", "0")
    begun = time.monotonic()
    assert os.read(process.stdout.fileno(), 100) == b"a\0\xff"
    assert time.monotonic() - begun < 10


def test_a_long_output_is_complete_and_its_end_is_kept(run_wrapper, tmp_path):
    status, out, _ = run_wrapper("seq 200000", "--flush-seconds", "0", "--tail-bytes", "1000")
    assert status == 0
    assert out == "".join(f"{number}\n" for number in range(1, 200_001)).encode()
    summary = spooled(tmp_path)[0]["output_summary"]
    assert summary.startswith("…")
    assert 980 < len(summary) <= 1001
    lines = summary[1:].splitlines()
    assert lines == [str(number) for number in range(200_001 - len(lines), 200_001)]


def test_one_place_for_both_outputs_keeps_their_order(run_wrapper):
    script = "for n in 1 2 3 4 5 6 7 8 9; do echo out; echo err >&2; done"
    out = run_wrapper(script, "--flush-seconds", "0", stderr=subprocess.STDOUT)[1]
    assert out == b"out\nerr\n" * 9


def test_a_reader_that_goes_ends_the_command_as_it_would_alone(start_wrapper):
    process = start_wrapper("yes", "--flush-seconds", "0")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(10) == 128 + signal.SIGPIPE
    process.stdout = None


def test_a_process_in_the_background_may_write_after_the_end(start_wrapper, service):
    process = start_wrapper("(sleep 1.5; echo late) & echo early", url=service.url)
    assert process.stdout.readline() == b"early\n"
    wait_until(lambda: len(service.client.get("/api/v1/runs?status=success").json()) == 1, 10)
    assert process.poll() is None
    assert process.stdout.readline() == b"late\n"
    assert process.wait(10) == 0


def test_output_may_be_left_alone(run_wrapper, tmp_path):
    assert run_wrapper("echo a", "--no-output", "--flush-seconds", "0")[:2] == (0, b"a\n")
    assert "output_summary" not in spooled(tmp_path)[0]


def test_it_runs_without_any_output(run_wrapper, tmp_path):
    wrapper = f"{sys.executable} -m telemetry.client run --flush-seconds 0 -- sh -c 'echo a'"
    done = subprocess.run(
        ["sh", "-c", f"{wrapper} >&- 2>&-"],
        env=environment(
            PYTHONPATH=str(PROJECT),
            TELEMETRY_API_URL=NOWHERE,
            TELEMETRY_SPOOL_DIR=str(tmp_path / "spool"),
        ),
        check=False,
    )
    assert done.returncode == 0
    assert spooled(tmp_path)[0]["output_summary"] == "a\n"


def test_standard_input_and_other_files_reach_the_command(run_wrapper, tmp_path):
    (tmp_path / "other").write_text("other\n")
    with (tmp_path / "other").open() as other:
        os.set_inheritable(other.fileno(), True)
        out = run_wrapper(
            f"cat; cat /dev/fd/{other.fileno()}",
            "--flush-seconds",
            "0",
            close_fds=False,
            stdin=os.open(tmp_path / "other", os.O_RDONLY),
        )[1]
    assert out == b"other\nother\n"
