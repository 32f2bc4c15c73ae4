"""The command line and the start of the web process."""

import re
import signal
import subprocess
import sys
import time

import httpx
import pytest

from telemetry.cli import main
from telemetry.database.connection import connect
from telemetry.database.embedded import embedded_postgres
from telemetry.migrations import runner
from telemetry.url_parts import redact_url
from tests.support.command import telemetry, telemetry_process
from tests.support.runs import minimal_run
from tests.support.server import copy_cluster, folder
from tests.support.service import PROJECT, Service, environment, free_port, procfile
from tests.support.waiting import wait_until


def test_help_lists_every_command():
    shown = telemetry_process("--help")
    assert shown.returncode == 0
    assert shown.stdout.startswith("Usage: python -m telemetry [OPTIONS] COMMAND")
    for command in main.commands:
        assert f"\n  {command} " in shown.stdout
    assert "...\n" not in shown.stdout.partition("Commands:")[2]


@pytest.mark.parametrize("command", sorted(main.commands))
def test_the_help_of_every_command_has_an_example(command):
    shown = telemetry(command, "--help")
    assert shown.returncode == 0
    assert re.search(rf"\n  Examples:\n    .*python -m telemetry {command}\b", shown.stdout)


def test_the_version_is_that_of_the_service(client):
    assert client.get("/version").json["version"] in telemetry_process("--version").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command"),
        (["--nonsense"], "No such option"),
        (["migrate", "--rollback", "0"], "0 is not in the range"),
        (["migrate", "--rollback", "1", "--status"], "exclude each other"),
        (["migrate", "--destroy-data"], "goes with --rollback"),
        (
            ["migrate", "--rollback"],
            "requires an argument. (see python -m telemetry migrate --help)",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments, message):
    failed = telemetry_process(*arguments)
    assert (failed.returncode, failed.stdout) == (2, "")
    (line,) = failed.stderr.splitlines()
    assert message in line
    assert line.endswith("--help)")


COMMANDS = {
    "archive": ["--tenant", "tenant-1", "--device", "device-1", "{folder}/archive.jsonl"],
    "heads": ["--append", "{folder}/heads.jsonl"],
    "prune": ["--runs-older-than", "90d"],
    "rebuild": [],
    "token": ["list"],
    "verify": [],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_names_the_database_that_it_works_on(database_url, tmp_path, command):
    arguments = [it.format(folder=tmp_path) for it in COMMANDS[command]]
    # As a role that may do nothing.
    web = database_url.replace("postgres:@", "nobody_here:s3cret@")
    urls = {"DATABASE_URL": web, "TELEMETRY_OWNER_DATABASE_URL": database_url}
    done = telemetry(command, *arguments, **urls)
    assert done.stderr.splitlines()[0] == f"database {redact_url(database_url)}"
    assert "nobody_here" not in done.stderr
    assert "database" not in done.stdout


# Sends the signal of Ctrl-C at the first import of a command.
INTERRUPTED = """
import os, runpy, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "telemetry.cli.token":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
runpy.run_module("telemetry", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_during_the_start_leaves_no_traceback():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, "--version"],
        cwd=PROJECT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    # A shell shows this as 130.
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_ctrl_c_is_one_line_and_status_130(database_url, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("telemetry.cli.rebuild.audio_runtime.rebuild", interrupt)
    done = telemetry("rebuild", DATABASE_URL=database_url)
    assert done.returncode == 130
    assert done.stderr.splitlines()[1:] == ["Error: interrupted"]


@pytest.mark.parametrize("command", [procfile("web"), [sys.executable, "-m", "telemetry", "serve"]])
def test_an_invalid_variable_stops_the_start_with_one_line(command):
    failed = subprocess.run(
        command,
        cwd=PROJECT,
        env=environment(TELEMETRY_RATE_LIMIT_RPM="abc"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert failed.stderr == (
        "telemetry: TELEMETRY_RATE_LIMIT_RPM: got 'abc', takes a whole number from 1 to 1000000\n"
    )


@pytest.mark.parametrize("parameter", ["pgbouncer=true", "password=s3cret&sslcertmod=x"])
def test_a_url_that_libpq_cannot_read_stops_the_start(parameter):
    failed = subprocess.run(
        procfile("web"),
        cwd=PROJECT,
        env=environment(
            DATABASE_URL=f"postgresql://127.0.0.1/x?{parameter}", PORT=str(free_port())
        ),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert failed.returncode == 1
    assert failed.stderr == (
        "telemetry: DATABASE_URL: got 'postgresql://127.0.0.1/x',"
        " takes a URL with parameters that libpq knows\n"
    )
    assert failed.stdout == ""


def test_gunicorn_honours_web_concurrency_and_never_migrates(empty_database_url, tmp_path):
    service = Service({"DATABASE_URL": empty_database_url, "WEB_CONCURRENCY": "3"}, tmp_path)
    try:
        assert service.log.count("Booting worker") == 3
        response = service.client.get("/api/ready")
        assert response.status_code == 503
        assert response.json()["detail"]["error"] == "migrations_pending"
    finally:
        assert service.stop() == 0


def test_a_killed_worker_is_replaced(start_service):
    service = start_service(WEB_CONCURRENCY="1")
    assert service.client.post("/api/v1/runs", json=minimal_run()).status_code == 201
    children = subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(service.process.pid)])
    subprocess.check_call(["kill", "-9", *children.decode().split()])
    for _ in range(200):
        try:
            assert service.client.post("/api/v1/runs", json=minimal_run()).status_code == 200
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(service.log)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_serve_uses_the_configured_database(empty_database_url, tmp_path, number):
    port = str(free_port())
    url = empty_database_url.replace("postgres:@", "postgres:s3cret@")
    environ = environment(DATABASE_URL=url, PORT=port)
    output = tmp_path / "serve.log"
    with output.open("wb") as log:
        serve = subprocess.Popen(
            [sys.executable, "-m", "telemetry", "serve"], cwd=PROJECT, env=environ, stdout=log
        )
    try:
        wait_until(lambda: "Try it:" in output.read_text())
        second = telemetry_process("serve", DATABASE_URL=empty_database_url, PORT=port)
        assert second.returncode == 1
        assert second.stderr.startswith(f"Error: port {port} of 127.0.0.1 is in use")
        assert second.stderr.count("\n") == 1
        assert "Database    postgresql:///nothing\n" in output.read_text()
        curl = output.read_text().split("Try it:\n")[1].splitlines()[0]
        response = subprocess.check_output(["sh", "-c", curl], text=True)
        assert response == '{"status":"created","event_id":"first-run","run_id":"run-1"}'
    finally:
        serve.send_signal(number)
        assert serve.wait(40) == 0
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/health")
    assert "Traceback" not in output.read_text()
    assert "s3cret" not in output.read_text()


def test_serve_waits_for_another_migrator_as_migrate_does(empty_database_url, monkeypatch):
    monkeypatch.setattr(runner, "LOCK_SECONDS", 0)
    environ = {"DATABASE_URL": empty_database_url, "PORT": str(free_port())}
    with connect(empty_database_url) as other, other.transaction():
        other.execute(runner.TRY_LOCK)
        served, migrated = telemetry("serve", **environ), telemetry("migrate", **environ)
    assert served.stderr == "Error: another migrate did not end in 0 s\n"
    assert (served.returncode, served.stderr) == (migrated.returncode, migrated.stderr)


# Runs serve with its data in the folder that the last argument names.
SERVE = """
import pathlib, sys
from telemetry.cli import main, serve
serve.DATA = pathlib.Path(sys.argv.pop())
main()
"""


def test_serve_prints_the_embedded_database_and_says_that_it_was_chosen(migrated_cluster, tmp_path):
    output = tmp_path / "serve.log"
    with folder() as data, output.open("wb") as log:
        copy_cluster(migrated_cluster, data / "postgres")
        serve = subprocess.Popen(
            [sys.executable, "-c", SERVE, "serve", data],
            cwd=PROJECT,
            env=environment(PORT=str(free_port())),
            stdout=log,
        )
        try:
            wait_until(lambda: "Try it:" in output.read_text())
            url = output.read_text().partition("Database    ")[2].splitlines()[0]
            statistics = executed_statements(url)
            base = output.read_text().partition("Serving on  ")[2].split()[0]
            health = httpx.get(f"{base}/api/health/persistence").json()
        finally:
            serve.terminate()
            assert serve.wait(40) == 0
    assert url.startswith("postgresql://postgres:@/postgres?host=/")
    assert any(text.startswith("SELECT /* migrations/applied */\n") for text in statistics)
    notes = {domain["note"] for domain in health["domains"].values()}
    assert notes == {"the embedded PostgreSQL of serve, because nothing is configured"}
    assert health["required"]
    assert health["pass_contract"]
    log = output.read_text()
    assert "agent_runs=postgresql (the embedded PostgreSQL of serve, because nothing is con" in log
    assert "DATABASE_URL is set" not in log


def executed_statements(url):
    """Return the texts of the statements that the server has counted."""
    with connect(url) as connection:
        rows = connection.execute("SELECT query FROM pg_stat_statements").fetchall()
    return [row["query"] for row in rows]


def test_the_embedded_database_of_an_earlier_release_gets_its_statistics_once(migrated_cluster):
    with folder() as data:
        copy_cluster(migrated_cluster, data / "postgres")
        started = []
        for _ in range(2):
            with embedded_postgres(data / "postgres", statistics=True) as url, connect(url) as it:
                assert executed_statements(url)
                row = it.execute("SELECT pg_postmaster_start_time() AS time").fetchone()
                started.append(row["time"])
        log = (data / "postgres" / "log").read_text()
    assert log.count("database system is ready") == 4  # one by the copied cluster itself


def test_serve_reports_a_data_folder_of_another_postgresql_version_in_one_line(migrated_cluster):
    with folder() as data:
        copy_cluster(migrated_cluster, data / "postgres")
        (data / "postgres" / "PG_VERSION").write_text("9.6\n")
        failed = subprocess.run(
            [sys.executable, "-c", SERVE, "serve", data],
            cwd=PROJECT,
            env=environment(PORT=str(free_port())),
            capture_output=True,
            text=True,
            check=False,
        )
    assert failed.returncode == 1
    assert failed.stderr.startswith("Error: the embedded PostgreSQL does not start on")
    assert str(data / "postgres") in failed.stderr
    assert "set DATABASE_URL" in failed.stderr
    assert failed.stderr.count("\n") == 1
