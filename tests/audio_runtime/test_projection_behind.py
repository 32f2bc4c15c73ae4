"""An append moves the projection on from where the device's head is; one that is not there is
brought there first, in the same transaction.
"""

import pytest

from tests.audio_runtime.payloads import KINDS, event

URL = "/api/v1/audio-runtime/events"
CURRENT = "os_core.audio_runtime_current"

LOST = f"DELETE FROM {CURRENT}"
# As a dump of it alone, restored: the state after the device's first event.
BEHIND = (
    f"UPDATE {CURRENT} SET jitter_ms = NULL, drift_ppm = NULL, buffer_depth_ms = NULL,"
    " underruns = NULL, overruns = NULL, last_event_id ="
    " (SELECT min(event_id) FROM os_core.audio_runtime_events AS event"
    " WHERE event.device_id = audio_runtime_current.device_id)"
)


@pytest.fixture
def filled(client, cast):
    for device in ("device-1", "device-2"):
        for kind in KINDS:
            client.post(URL, json=event(kind, device_id=device, session_id=71))
    return cast


@pytest.mark.parametrize("damage", [LOST, BEHIND])
def test_one_event_brings_it_to_the_ledger(client, filled, db, damage):
    db.execute(f"{damage} WHERE device_id = 'device-1'")
    assert client.post(URL, json=event()).status_code == 201
    filled.assert_sound()


@pytest.mark.parametrize("damage", [LOST, BEHIND])
def test_so_does_a_batch_with_other_devices(client, filled, db, damage):
    devices = ["device-1", "device-2", "device-1", "nobody", "device-2"]
    known = event()
    client.post(URL, json=known)
    db.execute(f"{damage} WHERE device_id = 'device-1'")
    batch = [known, *[event("TIMING_STATS", device_id=device) for device in devices]]
    answer = client.post(f"{URL}/batch", json=batch).json
    assert (answer["inserted"], answer["duplicates"], len(answer["errors"])) == (4, 1, 1)
    filled.assert_sound()


def test_a_refused_event_leaves_it_as_it_is(client, filled, db):
    db.execute(LOST)
    answer = client.post(URL, json=event(session_id=999))
    assert answer.json["reason_code"] == "K_FAIL_SESSION_INVALID"
    assert filled.current() == {}
