"""A reload of gunicorn (SIGHUP) replaces the workers, or leaves them alone and says why."""

import signal

import psutil
import pytest

from tests.support.service import PROJECT, Service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

# What the configuration does before gunicorn.conf.py, when the reload is to fail.
FAILURES = {
    "killed": """
        def fork():
            os.fork = real_fork
            child = real_fork()
            if child == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return child
        real_fork, os.fork = os.fork, fork
    """,
    "broken": """
        def fork():
            os.fork = real_fork
            child = real_fork()
            if child == 0:
                from telemetry.database import urls
                urls.check_urls = None
            return child
        real_fork, os.fork = os.fork, fork
    """,
    "unforked": """
        def fork():
            os.fork = real_fork
            raise BlockingIOError(11, "Resource temporarily unavailable")
        real_fork, os.fork = os.fork, fork
    """,
    "invalid": """
        raise ValueError
    """,
}

CONFIG = """
import os, signal
from pathlib import Path
marker = Path({marker!r})
if marker.exists():
    exec(marker.read_text())
exec(open({settings!r}).read())
"""


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "failure.py"


@pytest.fixture
def service(tmp_path, marker):
    """A service whose next reload runs the code in the marker's file first."""
    config = tmp_path / "config.py"
    settings = str(PROJECT / "gunicorn.conf.py")
    config.write_text(CONFIG.format(marker=str(marker), settings=settings))
    environ = {
        "GUNICORN_CMD_ARGS": f"--config {config}",
        "RUNTIME_EVENTS_PATH": str(tmp_path / "events.jsonl"),
        "WEB_CONCURRENCY": "2",
    }
    service = Service(environ, tmp_path)
    wait_until(lambda: len(workers(service)) == 2)
    yield service
    service.kill()


def workers(service):
    return {it.pid for it in psutil.Process(service.process.pid).children()}


def reload(service):
    service.process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize("name", FAILURES)
def test_a_reload_that_fails_lets_the_old_workers_go_on_and_says_so(service, marker, name):
    old = workers(service)
    lines = FAILURES[name].splitlines()
    marker.write_text("\n".join(line.removeprefix("        ") for line in lines))
    reload(service)
    wait_until(lambda: "The reload failed, and the old workers go on" in service.log)
    assert ("signal 9 ended the check of the database URLs" in service.log) == (name == "killed")
    assert service.process.poll() is None
    assert workers(service) == old
    assert service.client.get("/health").status_code == 200

    marker.write_text("")
    reload(service)
    wait_until(lambda: len(workers(service)) == 2 and not workers(service) & old)
    assert service.client.get("/health").status_code == 200
    assert service.stop() == 0


def test_a_start_that_cannot_be_checked_is_one_line(tmp_path, marker, service):
    """As a reload, but there are no old workers."""
    lines = FAILURES["killed"].splitlines()
    marker.write_text("\n".join(line.removeprefix("        ") for line in lines))
    with pytest.raises(AssertionError) as ended:
        Service({"GUNICORN_CMD_ARGS": f"--config {tmp_path / 'config.py'}"}, tmp_path)
    text = str(ended.value)
    assert text == "the service ended: telemetry: signal 9 ended the check of the database URLs\n"
