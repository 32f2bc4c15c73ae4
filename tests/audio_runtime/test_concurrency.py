"""Many writers, few devices: what they leave is what one after the other would have left."""

import os
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry.audio_runtime.devices import Scope
from telemetry.audio_runtime.projection import lock_heads
from telemetry.database.connection import connect, find_distributed
from tests.support.audio_runtime import KINDS, event
from tests.support.waiting import locks_awaited, wait_until

URL = "/api/v1/audio-runtime/events"
WRITERS = 16
DEVICES = [f"d{n}" for n in range(5)]
EVENTS = int(os.environ.get("EVENTS", "2000"))


@pytest.mark.long
def test_sixteen_writers_leave_what_one_would_have_left(make_app, cast):
    cast.bind(dict.fromkeys(DEVICES, "tenant-1"))
    app = make_app(db_pool_size=WRITERS)
    sent = [
        event(random.choice(KINDS), device_id=random.choice(DEVICES), session_id=71)
        for _ in range(EVENTS)
    ]

    def write(number):
        """Post this writer's share and some of the others', one by one and in batches."""
        client, chance = app.test_client(), random.Random(number)
        queue = sent[number::WRITERS] + chance.sample(sent, EVENTS // 40)
        chance.shuffle(queue)
        answers = []
        while queue:
            size = min(chance.choice([1, 1, 1, 20]), len(queue))
            taken, queue = queue[:size], queue[size:]
            if size == 1:
                answers.append(client.post(URL, json=taken[0]))
            else:
                answers.append(client.post(f"{URL}/batch", json=taken))
                assert answers[-1].json["errors"] == []
            if chance.random() < 0.05:
                assert app.extensions["audio_runtime"].rebuild(Scope("tenant-1")).differed == 0
        return {answer.status_code for answer in answers}

    with ThreadPoolExecutor(WRITERS) as threads:
        statuses = set().union(*threads.map(write, range(WRITERS)))
    assert statuses <= {200, 201}
    stored = cast.events()
    assert {row["idempotency_key"] for row in stored} == {it["idempotency_key"] for it in sent}
    assert len(stored) == EVENTS
    cast.assert_sound()


def test_batches_over_the_same_devices_never_wait_in_a_circle(make_app, cast):
    cast.bind(dict.fromkeys(DEVICES, "tenant-1"))
    app = make_app(db_pool_size=8)

    def write(number):
        order = random.Random(number).sample(DEVICES, len(DEVICES))
        batch = [event(device_id=device) for device in order * 10]
        return app.test_client().post(f"{URL}/batch", json=batch).json["inserted"]

    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(write, range(24))] == [50] * 24
    cast.assert_sound()


def test_a_stuck_device_holds_up_no_other(make_app, cast, database_url):
    """Events that arrive together share a commit, but not the wait for somebody else's lock."""
    client = make_app(db_pool_size=4).test_client
    with connect(database_url) as holder, ThreadPoolExecutor(12) as threads:
        find_distributed(holder)
        with holder.transaction():
            lock_heads(holder, [{"tenant_id": "tenant-1", "device_id": "device-1"}])
            waiting = [threads.submit(client().post, URL, json=event()) for _ in range(2)]
            others = [
                threads.submit(client().post, URL, json=event(device_id="device-2"))
                for _ in range(10)
            ]
            assert {post.result(5).status_code for post in others} == {201}
            assert not any(post.done() for post in waiting)
        assert {post.result(10).status_code for post in waiting} == {201}
    cast.assert_sound()


def test_an_event_that_is_slipped_in_meanwhile_is_a_duplicate(make_app, cast, db, database_url):
    """The append could not see it when it began: it is undone and started again."""
    client = make_app(db_pool_size=4).test_client
    known, same, other = event(), event(), event(device_id="device-2")
    client().post(URL, json=known)
    before = cast.everything()
    with connect(database_url) as stranger, ThreadPoolExecutor(2) as threads:
        with stranger.transaction():
            slipped_in = {**same, "row_hash": bytes(32)}
            marks = ", ".join(["%s"] * len(slipped_in))
            stranger.execute(
                f"INSERT INTO os_core.audio_runtime_events ({', '.join(slipped_in)})"
                f" VALUES ({marks})",
                [*slipped_in.values()],
            )
            posted = threads.submit(client().post, f"{URL}/batch", json=[other, same])
            single = threads.submit(client().post, URL, json=same)
            wait_until(lambda: locks_awaited(db) == 2)
        assert posted.result(10).json["results"] == [
            {"index": 0, "status": "committed", "event_id": cast.events()[-1]["event_id"]},
            {"index": 1, "status": "duplicate", "event_id": cast.events()[1]["event_id"]},
        ]
        assert single.result(10).status_code == 200
    assert len(cast.events()) == 3
    assert len(cast.audit()) == 2
    heads = cast.everything()["os_core.audio_runtime_heads"]
    assert heads[0] == before["os_core.audio_runtime_heads"][0]
