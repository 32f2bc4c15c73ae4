"""The services of the clients that bench/loss.py compares, and what each has stored."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg

from bench import postgres, service
from tests.support.service import PROJECT, environment, free_port

# Whether each stored run has ended, by name.
Stored = dict[str, bool]


class Backing(NamedTuple):
    """A running service: its port, and what reads the runs whose names begin with a prefix."""

    port: int
    stored: Callable[[str], Stored]


@contextmanager
def running(
    names: list[str], python: Path, folder: Path, database: postgres.Postgres
) -> Iterator[dict[str, Backing]]:
    """Run the services of these clients. ``python`` has the packages of the others."""
    start = {"telemetry": _telemetry, "mlflow": _mlflow, "opentelemetry": _opentelemetry}
    with ExitStack() as closing:
        yield {name: start[name](python, folder, database, closing) for name in names}


def _telemetry(_: Path, folder: Path, server: postgres.Postgres, closing: ExitStack) -> Backing:
    url = server.create("telemetry")
    web = service.start(url, folder)
    closing.callback(web.stop)
    query = "SELECT run_id, status = 'success' FROM agent_runs WHERE starts_with(run_id, %s)"
    return Backing(web.port, lambda prefix: _rows(url, query, prefix))


def _mlflow(python: Path, folder: Path, server: postgres.Postgres, closing: ExitStack) -> Backing:
    url, port = server.create("mlflow"), free_port()
    command = [python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    artifacts = folder / "artifacts"
    _start(
        [*command, "--backend-store-uri", url, "--artifacts-destination", artifacts],
        folder / "mlflow.log",
        port,
        closing,
    )
    query = "SELECT name, status = 'FINISHED' FROM runs WHERE starts_with(name, %s)"
    return Backing(port, lambda prefix: _rows(url, query, prefix))


def _opentelemetry(python: Path, folder: Path, _: postgres.Postgres, closing: ExitStack) -> Backing:
    file, port = folder / "spans", free_port()
    command = [python, "-m", "bench.loss_receiver", str(port), file]
    _start(command, folder / "receiver.log", port, closing)
    # A span is sent when it has ended, so each that is stored has.
    return Backing(
        port,
        lambda prefix: {
            name: True for name in file.read_text().splitlines() if name.startswith(prefix)
        },
    )


def others_environment() -> dict[str, str]:
    """Return the environment of programs that run with the packages of the other clients."""
    return environment(
        PYTHONPATH=str(PROJECT), MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true"
    )


def _start(command: list[str | Path], log: Path, port: int, closing: ExitStack) -> None:
    """Start a program in a session of its own, and wait until it responds."""
    with log.open("wb") as opened:
        started = subprocess.Popen(
            command,
            cwd=log.parent,
            env=others_environment(),
            stdout=opened,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    closing.callback(_stop, started)
    for _ in range(600):
        if started.poll() is not None:
            break
        try:
            httpx.get(f"http://127.0.0.1:{port}/health").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise RuntimeError(f"{command[2]} does not respond: {log.read_text()[-2000:]}")


def _stop(started: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):  # it ended by itself
        os.killpg(started.pid, signal.SIGTERM)
    try:
        started.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def _rows(url: str, query: str, prefix: str) -> Stored:
    with psycopg.connect(url, autocommit=True) as connection:
        return {str(name): bool(ended) for name, ended in connection.execute(query, [prefix])}
