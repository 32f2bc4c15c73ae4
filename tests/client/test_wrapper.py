"""``python -m telemetry.client run``: the command runs as it would alone, and is a run."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.client.processes import PYTHONS
from tests.client.stub import Stub
from tests.support.service import PROJECT, environment
from tests.support.waiting import wait_until

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def start(tmp_path):
    """Start the wrapper with a shell script as its command."""
    processes = []

    def run(script, *options, url=NOWHERE, python=sys.executable, command=None, **settings):
        environ = settings.pop("environ", {})
        command = command or ["sh", "-c", script]
        process = subprocess.Popen(
            [python, "-m", "telemetry.client", "run", *options, "--", *command],
            env=environment(
                PYTHONPATH=str(PROJECT),
                TELEMETRY_API_URL=url,
                TELEMETRY_SPOOL_DIR=str(tmp_path / "spool"),
                **environ,
            ),
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **settings,
            },
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def run(start):
    """Run it to its end; return exit status, output and errors."""

    def run(*arguments, **settings):
        process = start(*arguments, **settings)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    return run


def spooled(tmp_path, kind="end"):
    """Return the records of a kind that wait in the spool."""
    lines = [
        json.loads(line)
        for file in sorted((tmp_path / "spool").glob("*/*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    return [line[kind] for line in lines if kind in line]


@pytest.mark.parametrize("python", PYTHONS)
def test_it_works(run, service, python):
    options = ["--agent-name", "backup", "--job-type", "nightly", "--field", "product=slides"]
    script = "echo one; echo two >&2; sleep 0.2; exit 0"
    status, out, err = run(script, *options, url=service.url, python=python)
    assert (status, out, err) == (0, b"one\n", b"two\n")
    (stored,) = service.client.get("/api/v1/runs").json()
    names = ("agent_name", "job_type", "trigger_type", "status", "product")
    assert [stored[name] for name in names] == [
        "backup",
        "nightly",
        "scheduler",
        "success",
        "slides",
    ]
    assert sorted(stored["output_summary"].split()) == ["one", "two"]
    assert stored["metrics_json"]["exit_status"] == 0
    assert stored["metrics_json"]["max_rss_bytes"] > 100_000
    assert 200 <= stored["duration_ms"] < 5000
    assert stored["error_summary"] is None


def test_a_failure_has_its_exit_status_and_its_errors(run, service):
    assert run("echo out; echo no such file >&2; exit 3", url=service.url)[0] == 3
    (stored,) = service.client.get("/api/v1/runs").json()
    assert (stored["status"], stored["error_summary"]) == ("failure", "exit status 3")
    assert stored["error_details"] == "no such file\n"
    assert stored["agent_name"] == "sh"


def test_the_start_is_known_before_the_end(start, service):
    start("sleep 20", url=service.url)
    wait_until(lambda: len(service.client.get("/api/v1/runs?status=running").json()) == 1, 10)


def test_a_run_within_is_a_child(run, service):
    inner = shlex.join(
        [sys.executable, "-m", "telemetry.client", "run", "--agent-name", "inner", "--", "true"]
    )
    script = f'echo "$TELEMETRY_RUN_ID $TELEMETRY_EVENT_ID"; {inner}'
    status, out, _ = run(script, "--agent-name", "outer", url=service.url)
    assert status == 0
    stored = {each["agent_name"]: each for each in service.client.get("/api/v1/runs").json()}
    outer, inner = stored["outer"], stored["inner"]
    assert out.decode().split() == [outer["run_id"], outer["event_id"]]
    assert (outer["parent_run_id"], inner["parent_run_id"]) == (None, outer["run_id"])


@pytest.mark.parametrize("is_hanging", [True, False])
def test_a_service_that_is_away_changes_nothing(run, tmp_path, is_hanging):
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}" if is_hanging else NOWHERE
        begun = time.monotonic()
        assert run("echo a; exit 4", "--flush-seconds", "1", url=url) == (4, b"a\n", b"")
        assert time.monotonic() - begun < 6
    assert [it["error_summary"] for it in spooled(tmp_path)] == ["exit status 4"]


@pytest.mark.parametrize("url", ["nonsense", "http://a:b/", "ftp://a"])
def test_nor_does_a_url_that_is_wrong(run, url):
    status, out, _ = run("echo a; exit 4", "--url", url, "--flush-seconds", "0.1")
    assert (status, out) == (4, b"a\n")


def test_nor_does_a_folder_that_cannot_be_written(run, tmp_path):
    (tmp_path / "spool").write_text("")
    status, out, err = run("echo a; exit 4", "--flush-seconds", "0.1")
    assert (status, out) == (4, b"a\n")
    assert b"telemetry.client: cannot write" in err


@pytest.mark.parametrize(
    ("command", "status", "reason"),
    [
        (["no-such-command"], 127, "No such file"),
        (["/etc/hostname"], 126, "Permission denied"),
        (["sh", "-c", "kill -9 $$"], 137, "ended by SIGKILL"),
        (["sh", "-c", "exit 255"], 255, "exit status 255"),
        (["sh", "-c", "test $2 = --", "sh", "a", "--"], 0, None),
    ],
)
def test_the_exit_status_is_that_of_a_shell(run, tmp_path, command, status, reason):
    assert run("", "--flush-seconds", "0", command=command)[0] == status
    (record,) = spooled(tmp_path)
    assert record["status"] == ("failure" if reason else "success")
    assert (reason or "") in record.get("error_summary", "")


def test_a_script_without_an_interpreter_is_run_by_the_shell(run, tmp_path):
    script = tmp_path / "script"
    script.write_text("echo hello $1")
    script.chmod(0o700)
    assert run("", "--flush-seconds", "0", command=[script, "you"])[:2] == (0, b"hello you\n")


PASSED = ["HUP", "INT", "TERM", "USR1", "USR2", "QUIT"]


@pytest.mark.parametrize("name", PASSED)
def test_a_signal_is_passed_on(start, tmp_path, name):
    script = f"trap 'echo got {name}; exit 7' {name}; echo ready; while :; do sleep 0.05; done"
    process = start(script, "--flush-seconds", "0", start_new_session=True)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(getattr(signal, f"SIG{name}"))
    assert process.stdout.readline() == f"got {name}\n".encode()
    assert process.wait(10) == 7
    (record,) = spooled(tmp_path)
    assert record["status"] == ("failure" if name.startswith("USR") else "cancelled")


def test_a_command_that_a_signal_ends_was_cancelled(start, tmp_path):
    process = start("echo ready; exec sleep 20", "--flush-seconds", "0")
    process.stdout.readline()
    process.terminate()
    assert process.wait(10) == 143
    (record,) = spooled(tmp_path)
    assert (record["status"], record["error_summary"]) == ("cancelled", "ended by SIGTERM")


def test_an_ignored_signal_stays_ignored_for_the_command(start):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    script = "kill -HUP $$; echo alive"
    process = start(script, "--flush-seconds", "0", preexec_fn=ignore)
    assert process.stdout.readline() == b"alive\n"
    process.send_signal(signal.SIGHUP)
    assert process.wait(10) == 0


def test_output_is_passed_on_at_once_and_unchanged(start):
    process = start("printf 'a\\0\\377'; sleep 20", "--flush-seconds", "0")
    begun = time.monotonic()
    assert os.read(process.stdout.fileno(), 100) == b"a\0\xff"
    assert time.monotonic() - begun < 10


def test_a_long_output_is_complete_and_its_end_is_kept(run, tmp_path):
    status, out, _ = run("seq 200000", "--flush-seconds", "0", "--tail-bytes", "1000")
    assert status == 0
    assert out == "".join(f"{number}\n" for number in range(1, 200_001)).encode()
    summary = spooled(tmp_path)[0]["output_summary"]
    assert summary.startswith("…")
    assert 980 < len(summary) <= 1001
    lines = summary[1:].splitlines()
    assert lines == [str(number) for number in range(200_001 - len(lines), 200_001)]


def test_one_place_for_both_outputs_keeps_their_order(run):
    script = "for n in 1 2 3 4 5 6 7 8 9; do echo out; echo err >&2; done"
    out = run(script, "--flush-seconds", "0", stderr=subprocess.STDOUT)[1]
    assert out == b"out\nerr\n" * 9


def test_a_reader_that_goes_ends_the_command_as_it_would_alone(start):
    process = start("yes", "--flush-seconds", "0")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(10) == 128 + signal.SIGPIPE
    process.stdout = None


def test_a_process_in_the_background_may_write_after_the_end(start, service):
    process = start("(sleep 1.5; echo late) & echo early", url=service.url)
    assert process.stdout.readline() == b"early\n"
    wait_until(lambda: len(service.client.get("/api/v1/runs?status=success").json()) == 1, 10)
    assert process.poll() is None
    assert process.stdout.readline() == b"late\n"
    assert process.wait(10) == 0


def test_output_may_be_left_alone(run, tmp_path):
    assert run("echo a", "--no-output", "--flush-seconds", "0")[:2] == (0, b"a\n")
    assert "output_summary" not in spooled(tmp_path)[0]


def test_it_runs_without_any_output(run, tmp_path):
    wrapper = f"{sys.executable} -m telemetry.client run --flush-seconds 0 -- sh -c 'echo a'"
    done = subprocess.run(
        ["sh", "-c", f"{wrapper} >&- 2>&-"],
        env=environment(PYTHONPATH=str(PROJECT), TELEMETRY_SPOOL_DIR=str(tmp_path / "spool")),
        check=False,
    )
    assert done.returncode in (0, 1)  # sh itself cannot write


def test_standard_input_and_other_files_reach_the_command(run, tmp_path):
    (tmp_path / "other").write_text("other\n")
    with (tmp_path / "other").open() as other:
        os.set_inheritable(other.fileno(), True)
        out = run(
            f"cat; cat <&{other.fileno()}",
            "--flush-seconds",
            "0",
            close_fds=False,
            stdin=os.open(tmp_path / "other", os.O_RDONLY),
        )[1]
    assert out == b"other\nother\n"


def test_settings_come_from_the_environment(run, tmp_path):
    environ = {
        "TELEMETRY_AGENT_NAME": "named",
        "TELEMETRY_JOB_TYPE": "typed",
        "TELEMETRY_TRIGGER_TYPE": "webhook",
        "TELEMETRY_API_AUTH_TOKEN": "secret-token",
    }
    with Stub() as stub:
        run("true", url=stub.url, environ=environ)
    record = stub.requests[-1].records[-1]
    names = [record[name] for name in ("agent_name", "job_type", "trigger_type")]
    assert names == ["named", "typed", "webhook"]
    assert stub.requests[0].headers["authorization"] == "Bearer secret-token"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["run", "--help"], 0),
        ([], 2),
        (["run"], 2),
        (["run", "--"], 2),
        (["run", "true"], 2),
        (["run", "--field", "a", "--", "true"], 2),
        (["run", "--unknown", "--", "true"], 2),
    ],
)
def test_usage(arguments, status):
    done = subprocess.run(
        [sys.executable, "-m", "telemetry.client", *arguments],
        env=environment(PYTHONPATH=str(PROJECT)),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status
    assert "usage: python -m telemetry.client" in (done.stderr if status else done.stdout)
