"""Tokens against the running service, with two workers: rotation, revocation, no database."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest

from tests.support.command import telemetry
from tests.support.runs import minimal_run
from tests.support.service import Service
from tests.support.waiting import wait_until
from tests.tokens.conftest import ENVIRONMENT

GUARDED = {"TELEMETRY_API_AUTH_ENABLED": "true", "TELEMETRY_API_AUTH_TOKEN": ENVIRONMENT}


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.long
def test_a_rotation_without_a_single_401(start_service, create, token, db):
    """Clients post all the time, change to the new token, then the old one is revoked."""
    service = start_service(WEB_CONCURRENCY="2", **GUARDED)
    current = [create("old", "runs:write")]
    numbers, statuses, stop = count(), [], []

    def post():
        # A new connection each time, so that both workers serve.
        while not stop:
            used = current[0]
            run = minimal_run(f"event-{next(numbers)}")
            response = httpx.post(f"{service.url}/api/v1/runs", json=run, headers=bearer(used))
            statuses.append(response.status_code)

    with ThreadPoolExecutor(3) as clients:
        posting = [clients.submit(post) for _ in range(3)]
        time.sleep(0.5)
        old = current[0]
        current[0] = create("new", "runs:write")  # used at once
        time.sleep(0.5)
        assert token("revoke", "old").returncode == 0
        revoked = time.monotonic()
        time.sleep(2.0)
        late = [get(service, old) for _ in range(8)]
        stop.append(True)
        for it in posting:
            it.result()
    assert set(statuses) == {201}, statuses
    assert len(statuses) > 20
    assert set(late) == {401}
    assert time.monotonic() - revoked < 10
    wait_until(
        lambda: db.execute("SELECT FROM api_tokens WHERE last_used_at IS NULL").rowcount == 0
    )
    assert service.log.count('"token":"new"') > 5
    assert old not in service.log
    assert current[0] not in service.log


def get(service, text):
    url = f"{service.url}/version"
    return httpx.get(url, headers=bearer(text), timeout=30).status_code


@pytest.mark.faults
def test_without_the_database_only_the_environments_token_is_known(server, tmp_path):
    environ = {"DATABASE_URL": server.url, **GUARDED}
    done = telemetry("token", "create", "ci", "--scope", "admin", **environ)
    assert done.returncode == 0, done.stderr
    text = done.stdout.strip()
    service = Service({"WEB_CONCURRENCY": "1", **environ}, tmp_path)
    try:
        assert get(service, text) == 200
        server.kill()
        time.sleep(2.0)  # what is in memory gets too old
        response = httpx.get(f"{service.url}/version", headers=bearer(text), timeout=30)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        assert get(service, ENVIRONMENT) == 200
        assert get(service, "of another shape") == 401
        server.start()
        wait_until(lambda: get(service, text) == 200)
    finally:
        service.kill()
