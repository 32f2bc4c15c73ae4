"""What happens while a worker does not serve: to requests, readiness, the doctor and verify."""

import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import psycopg
import pytest

from tests.support.citus import Cluster, Node, command
from tests.support.rights import serving
from tests.support.service import Service


@pytest.fixture
def service(citus: Cluster, tmp_path: Any) -> Iterator[Service]:
    started = Service({"DATABASE_URL": serving(citus.url), "WEB_CONCURRENCY": "1"}, tmp_path)
    yield started
    started.kill()


def readiness(service: Service) -> tuple[int, dict[str, Any]]:
    began = time.monotonic()
    response = service.client.get("/api/ready")
    assert time.monotonic() - began < 3.5
    return response.status_code, response.json()


def until_ready(service: Service) -> None:
    for _ in range(100):
        if readiness(service)[0] == 200:
            return
        time.sleep(0.2)
    raise AssertionError(readiness(service))


def processes(node: Node) -> list[psutil.Process]:
    postmaster = psutil.Process(int((node.data / "postmaster.pid").read_text().split()[0]))
    return [postmaster, *postmaster.children(recursive=True)]


def test_a_distributed_database_is_ready(service: Service) -> None:
    assert readiness(service)[0] == 200


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_readiness_is_503_within_3_s_while_a_worker_is_away(
    service: Service, citus: Cluster, how: str
) -> None:
    until_ready(service)
    worker = citus.workers[0]
    stopped = processes(worker)
    if how == "kill":
        worker.kill()
    else:
        for process in stopped:
            process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(1.1)  # a result serves for a second
        status, body = readiness(service)
        assert status == 503
        assert body["detail"]["error"] == "database_unreachable"
        if how == "kill":
            assert str(worker.port) not in str(body)
            assert str(worker.port) in service.log
            said = command(serving(citus.url), "doctor", check=False).stdout
            assert f"127.0.0.1:{worker.port}" in said
        assert service.client.get("/health").status_code == 200
    finally:
        if how == "kill":
            worker.start()
        else:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)
    until_ready(service)


def test_a_disabled_trigger_of_a_shard_is_found(service: Service, citus: Cluster) -> None:
    until_ready(service)
    with psycopg.connect(citus.workers[0].url, autocommit=True) as worker:
        worker.execute("SET citus.enable_manual_changes_to_shards = on")
        worker.execute("SET citus.override_table_visibility = off")
        found = worker.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE tgname LIKE 'refuse_change_1%' AND NOT tgisinternal LIMIT 1"
        ).fetchone()
        assert found
        worker.execute(f"ALTER TABLE {found[0]} DISABLE TRIGGER {found[1]}")
        try:
            time.sleep(1.1)
            status, body = readiness(service)
            assert status == 503
            assert body["detail"]["error"] == "append_only_triggers_disabled"
            assert found[1] in str(body["detail"]["failures"])
            assert found[1] in command(citus.url, "verify", check=False).stdout
        finally:
            worker.execute(f"ALTER TABLE {found[0]} ENABLE ALWAYS TRIGGER {found[1]}")
    until_ready(service)
