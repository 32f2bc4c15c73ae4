"""An append builds on no head that is not the newest event of its device.

Damage that can still be repaired would become permanent: the next link would cover it.
"""

import pytest

from tests.support.audio_runtime import KINDS, event

URL = "/api/v1/audio-runtime/events"
HEADS = "os_core.audio_runtime_heads"
CURRENT = "os_core.audio_runtime_current"
OF_DEVICE_1 = "WHERE tenant_id = 'tenant-1' AND device_id = 'device-1'"
FIRST = f"(SELECT min(event_id) FROM os_core.audio_runtime_events {OF_DEVICE_1})"
HASH_OF_FIRST = (
    f"(SELECT row_hash FROM os_core.audio_runtime_events {OF_DEVICE_1} AND event_id = {FIRST})"
)

DAMAGE = {
    "another hash": f"UPDATE {HEADS} SET row_hash = sha256('') {OF_DEVICE_1}",
    # As both tables restored from an older dump.
    "a head and a projection that are behind": f"UPDATE {HEADS} SET event_id = {FIRST},"
    f" row_hash = {HASH_OF_FIRST} {OF_DEVICE_1};"
    f" UPDATE {CURRENT} SET last_event_id = {FIRST} {OF_DEVICE_1}",
    "a head made again and no projection": f"UPDATE {HEADS} SET event_id = NULL, row_hash = DEFAULT"
    f" {OF_DEVICE_1}; DELETE FROM {CURRENT} {OF_DEVICE_1}",
}


@pytest.fixture
def filled(client, cast):
    for device in ("device-1", "device-2"):
        for kind in KINDS:
            client.post(URL, json=event(kind, device_id=device))
    return cast


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_nothing_is_appended_to_it(client, filled, db, damage):
    db.execute(damage)
    before = filled.everything()
    response = client.post(URL, json=event())
    assert response.status_code == 409
    assert response.json["reason_code"] == "K_FAIL_REBUILD_INTEGRITY"
    assert filled.everything() == before


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_other_devices_of_a_batch_go_on(client, filled, db, damage):
    known = event()
    client.post(URL, json=known)
    db.execute(damage)
    batch = [event(), event(device_id="device-2"), event(), known]
    response = client.post(f"{URL}/batch", json=batch)
    assert response.status_code == 200
    errors = {it["index"]: it["reason_code"] for it in response.json["errors"]}
    assert errors == dict.fromkeys([0, 2], "K_FAIL_REBUILD_INTEGRITY")
    assert [it["status"] for it in response.json["results"]] == ["committed", "duplicate"]


def test_a_head_that_was_repaired_is_built_upon(client, filled, db):
    db.execute(f"CREATE TABLE kept AS SELECT * FROM {HEADS} {OF_DEVICE_1}")
    db.execute(DAMAGE["another hash"])
    assert client.post(URL, json=event()).status_code == 409
    db.execute(f"UPDATE {HEADS} SET row_hash = (SELECT row_hash FROM kept) {OF_DEVICE_1}")
    assert client.post(URL, json=event()).status_code == 201
    filled.assert_sound()
