"""``python -m telemetry.client run``: the command runs as it would alone, and is a run."""

import shlex
import socket
import subprocess
import sys
import time

import pytest

from tests.client.processes import PYTHONS, spooled
from tests.client.stub import Stub
from tests.support.service import PROJECT, environment
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize("python", PYTHONS)
def test_it_works(run_wrapper, service, python):
    options = ["--agent-name", "backup", "--job-type", "nightly", "--field", "product=slides"]
    script = "echo one; echo two >&2; sleep 0.2; exit 0"
    status, out, err = run_wrapper(script, *options, url=service.url, python=python)
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


def test_a_failure_has_its_exit_status_and_its_errors(run_wrapper, service):
    assert run_wrapper("echo out; echo no such file >&2; exit 3", url=service.url)[0] == 3
    (stored,) = service.client.get("/api/v1/runs").json()
    assert (stored["status"], stored["error_summary"]) == ("failure", "exit status 3")
    assert stored["error_details"] == "no such file\n"
    assert stored["agent_name"] == "sh"


def test_the_start_is_known_before_the_end(start_wrapper, service):
    start_wrapper("sleep 20", url=service.url)
    wait_until(lambda: len(service.client.get("/api/v1/runs?status=running").json()) == 1, 10)


def test_a_run_within_is_a_child(run_wrapper, service):
    inner = shlex.join(
        [sys.executable, "-m", "telemetry.client", "run", "--agent-name", "inner", "--", "true"]
    )
    script = f'echo "$TELEMETRY_RUN_ID $TELEMETRY_EVENT_ID"; {inner}'
    status, out, _ = run_wrapper(script, "--agent-name", "outer", url=service.url)
    assert status == 0
    stored = {each["agent_name"]: each for each in service.client.get("/api/v1/runs").json()}
    outer, inner = stored["outer"], stored["inner"]
    assert out.decode().split() == [outer["run_id"], outer["event_id"]]
    assert (outer["parent_run_id"], inner["parent_run_id"]) == (None, outer["run_id"])


@pytest.mark.parametrize("is_hanging", [True, False])
def test_a_service_that_is_away_changes_nothing_but_a_warning(run_wrapper, tmp_path, is_hanging):
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}" if is_hanging else NOWHERE
        begun = time.monotonic()
        status, out, err = run_wrapper("echo a; exit 4", "--flush-seconds", "1", url=url)
        assert (status, out) == (4, b"a\n")
        assert is_hanging or b"takes no records" in err
        assert time.monotonic() - begun < 6
    assert [it["error_summary"] for it in spooled(tmp_path)] == ["exit status 4"]


@pytest.mark.parametrize("url", ["nonsense", "http://a:b/", "ftp://a"])
def test_nor_does_a_url_that_is_wrong(run_wrapper, url):
    status, out, _ = run_wrapper("echo a; exit 4", "--url", url, "--flush-seconds", "0.1")
    assert (status, out) == (4, b"a\n")


def test_nor_does_a_folder_that_cannot_be_written(run_wrapper, tmp_path):
    (tmp_path / "spool").write_text("")
    status, out, err = run_wrapper("echo a; exit 4", "--flush-seconds", "0.1")
    assert (status, out) == (4, b"a\n")
    assert b"telemetry.client: cannot write" in err


@pytest.mark.parametrize(
    ("command", "status", "reason"),
    [
        (["no-such-command"], 127, "No such file"),
        ([__file__], 126, "Permission denied"),
        (["sh", "-c", "kill -9 $$"], 137, "ended by SIGKILL"),
        (["sh", "-c", "exit 255"], 255, "exit status 255"),
        (["sh", "-c", "test $2 = --", "sh", "a", "--"], 0, None),
    ],
)
def test_the_exit_status_is_that_of_a_shell(run_wrapper, tmp_path, command, status, reason):
    assert run_wrapper("", "--flush-seconds", "0", command=command)[0] == status
    (record,) = spooled(tmp_path)
    assert record["status"] == ("failure" if reason else "success")
    assert (reason or "") in record.get("error_summary", "")


def test_a_script_without_an_interpreter_is_run_by_the_shell(run_wrapper, tmp_path):
    script = tmp_path / "script"
    script.write_text("echo hello $1")
    script.chmod(0o700)
    assert run_wrapper("", "--flush-seconds", "0", command=[script, "you"])[:2] == (
        0,
        b"hello you\n",
    )


def test_settings_come_from_the_environment(run_wrapper, tmp_path):
    environ = {
        "TELEMETRY_AGENT_NAME": "named",
        "TELEMETRY_JOB_TYPE": "typed",
        "TELEMETRY_TRIGGER_TYPE": "webhook",
        "TELEMETRY_API_AUTH_TOKEN": "secret-token",
    }
    with Stub() as stub:
        run_wrapper("true", url=stub.url, environ=environ)
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
