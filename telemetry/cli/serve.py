"""``python -m telemetry serve``: the whole service on one machine, for development."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

import click

from telemetry.cli.examples import examples
from telemetry.config import EMBEDDED_DATABASE, OWNER_URLS, Config
from telemetry.database.embedded import EmbeddedUnavailable, embedded_postgres
from telemetry.database.urls import as_owner
from telemetry.migrations import runner
from telemetry.persistence import resolve
from telemetry.timestamps import utc_text
from telemetry.url_parts import redact_url

PROJECT = Path(__file__).resolve().parent.parent.parent
DATA = PROJECT / ".data"

START_SECONDS = 30.0

EXAMPLE_RUN = {
    "event_id": "first-run",
    "run_id": "run-1",
    "agent_name": "my-agent",
    "job_type": "demo",
}
EXAMPLE_EVENT = {"id": "first-event", "source": "api", "endpoint": "/api/ideas", "runtime_ms": 12.5}


@click.command(epilog=examples("PORT=9000 python -m telemetry serve"))
@click.pass_obj
def serve(config: Config) -> None:
    """Migrate, then serve on http://127.0.0.1:8765 until Ctrl-C. For development.

    PORT sets another port. Uses the configured database. When nothing is configured, it starts
    an embedded PostgreSQL whose data is kept in .data/.
    """
    environ = {name: text for name, text in os.environ.items() if name not in OWNER_URLS}
    with ExitStack() as stack:
        _check_port_is_free(config.port)
        events = resolve(config).runtime_events
        where = str(events.path or "the configured database")
        embedded = events.kind == "none"
        if embedded:
            where = str(DATA / "postgres")
            stack.enter_context(_lock_embedded_data(config.port))
            try:
                url = stack.enter_context(embedded_postgres(DATA / "postgres", statistics=True))
            except EmbeddedUnavailable as error:
                raise click.ClickException(str(error)) from error
            environ[EMBEDDED_DATABASE] = url
            config = Config.from_env(environ)
        for url in resolve(as_owner(config)).database_urls:
            runner.migrate(url, lambda message: click.echo(f"  {message}"))
        sys.exit(_run_gunicorn(config.port, environ, _banner(config, where, embedded=embedded)))


def _check_port_is_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(
                f"port {port} of 127.0.0.1 is in use, perhaps by another of your services;"
                " set PORT to a free one"
            ) from None


def _lock_embedded_data(port: int) -> IO[str]:
    """Take the lock of the embedded database and return it. It is freed when this process ends.

    Raises ClickException when another process holds it.
    """
    DATA.mkdir(exist_ok=True)
    lock = open(DATA / "serve.lock", "a+", encoding="utf-8")  # noqa: SIM115 - returned open
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise click.ClickException(f"already running: {lock.read().strip()}") from None
    lock.truncate(0)
    lock.write(f"http://127.0.0.1:{port} (pid {os.getpid()})\n")
    lock.flush()
    return lock


def _run_gunicorn(port: int, environ: dict[str, str], banner: str) -> int:
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "wsgi:app"]
    stopping = False

    def stop(_: int, __: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        server.terminate()

    # In a session of its own, gunicorn does not get Ctrl-C or the terminal's hang-up itself:
    # this process gets them, and stops gunicorn gracefully.
    server = subprocess.Popen(command, env=environ, cwd=PROJECT, start_new_session=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    if _is_up(f"http://127.0.0.1:{port}/health", server):
        click.echo(banner)
    code = server.wait()
    return 0 if stopping else code


def _is_up(url: str, server: subprocess.Popen[bytes]) -> bool:
    """Wait until the URL responds; return False when the server ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=1):
                return True
        except (URLError, OSError):
            time.sleep(0.05)
    return False


def _banner(config: Config, where: str, *, embedded: bool) -> str:
    base = f"http://127.0.0.1:{config.port}"
    auth = ' -H "Authorization: Bearer $TELEMETRY_API_AUTH_TOKEN"' if config.auth_enabled else ""
    url = resolve(config).agent_runs.url
    # The URL of the embedded server has no password, and psql needs all of it.
    shown = url if embedded or url is None else redact_url(url)
    run = {**EXAMPLE_RUN, "start_time": utc_text(datetime.now(UTC))}
    path, example = ("/api/v1/runs", run) if url else ("/api/runtime/events", EXAMPLE_EVENT)
    demo = "Demo data   make demo, in another shell, before you send anything\n"
    return (
        f"\nServing on  {base}  (Ctrl-C stops it)\n"
        f"Data in     {where}\n"
        f"Database    {shown or 'none'}\n"
        f"{demo if embedded else ''}"
        f"Try it:\n"
        f"curl -s {base}{path}{auth} -H 'Content-Type: application/json'"
        f" -d '{json.dumps(example)}'\n"
    )
