"""kill -9 of the service, or of PostgreSQL: every event answered 201 is there, all is sound."""

import signal
import threading
import time

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.support.audio_runtime import KINDS, event
from tests.support.ledger import Ledger

pytestmark = pytest.mark.faults

URL = "/api/v1/audio-runtime/events"
WRITERS = 4


class Load:
    """Writers that post until they are stopped, and remember what got a success response."""

    def __init__(self, url):
        self.url = url
        self.committed = set()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=[n]) for n in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count):
        while len(self.committed) < count:
            time.sleep(0.01)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, number):
        with httpx.Client(base_url=self.url, timeout=30) as client:
            turn = 0
            while not self._stop.is_set():
                turn += 1
                device = f"device-{1 + turn % 2}"
                sent = [event(KINDS[(turn + n) % 7], device_id=device) for n in range(10)]
                try:
                    if turn % 3:
                        answer = client.post(URL, json=sent[0])
                        results = [answer.json()] if answer.status_code == 201 else []
                    else:
                        answer = client.post(f"{URL}/batch", json=sent)
                        results = answer.json()["results"] if answer.status_code == 200 else []
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                self.committed.update(result["event_id"] for result in results)


def assert_nothing_lost(url, committed):
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as db:
        ledger = Ledger(url, db)
        assert committed <= {row["event_id"] for row in ledger.events()}
        ledger.assert_sound()


def bind(url):
    with psycopg.connect(url, autocommit=True) as db:
        Ledger(url, db).bind({"device-1": "tenant-1", "device-2": "tenant-1"})


def test_a_killed_service_loses_nothing(server, start_service):
    bind(server.url)
    service = start_service(DATABASE_URL=server.url)
    load = Load(service.url)
    load.wait_for(200)
    service.stop(signal.SIGKILL)
    load.stop()
    again = start_service(DATABASE_URL=server.url)
    assert again.client.post(URL, json=event()).status_code == 201
    assert_nothing_lost(server.url, load.committed)


def test_a_killed_database_loses_nothing(server, start_service):
    bind(server.url)
    service = start_service(DATABASE_URL=server.url)
    load = Load(service.url)
    load.wait_for(200)
    server.kill()
    server.start()
    before = len(load.committed)
    load.wait_for(before + 50)
    load.stop()
    assert_nothing_lost(server.url, load.committed)
