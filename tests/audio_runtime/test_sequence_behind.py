"""A sequence that is behind breaks no chain: nothing is appended, and the response names it."""

import pytest

from tests.support.audio_runtime import event
from tests.support.errors import assert_unavailable

URL = "/api/v1/audio-runtime/events"
EVENT_IDS = "os_core.audio_runtime_events_event_id_seq"
AUDIT_IDS = "audit.audit_events_audit_event_id_seq"


@pytest.fixture
def filled(client, cast):
    """Three events of device-1, then one of device-2, so that device-1's newest is event 3."""
    for device in ("device-1", "device-1", "device-1", "device-2"):
        assert client.post(URL, json=event(device_id=device)).status_code == 201
    return cast


def assert_refused(client, filled, sequence):
    """Assert that neither way of appending changes anything, and that the sequence is named."""
    for url, body in ((URL, event()), (f"{URL}/batch", [event(), event(), event("TIMING_STATS")])):
        filled.db.execute(f"SELECT setval('{sequence}', 1)")
        before = filled.everything()
        response = client.post(url, json=body)
        assert sequence in assert_unavailable(response)
        assert response.headers["Retry-After"] == "60"
        assert filled.everything() == before
    filled.assert_sound()


def test_an_id_that_the_table_has_is_refused(client, filled):
    assert_refused(client, filled, EVENT_IDS)


def test_an_id_below_the_heads_is_refused_where_no_row_has_it(client, filled, db):
    """Ids have gaps, so the primary key alone refuses nothing."""
    db.execute(f"SELECT setval('{EVENT_IDS}', 1000)")
    assert client.post(URL, json=event()).json["event_id"] == 1001
    db.execute(f"SELECT setval('{EVENT_IDS}', 500)")
    before = filled.everything()
    for url, body in ((URL, event()), (f"{URL}/batch", [event()])):
        assert EVENT_IDS in assert_unavailable(client.post(url, json=body))
    assert filled.everything() == before
    filled.assert_sound()


def test_an_audit_id_that_the_table_has_is_refused(client, filled):
    assert_refused(client, filled, AUDIT_IDS)


def test_it_is_no_refusal_of_the_record_that_a_constraint_refuses_too(client, filled, db):
    """The batch is halved to find that record; the collision must not count as one."""
    db.execute(
        "ALTER TABLE os_core.audio_runtime_events ADD CONSTRAINT late CHECK (created_at > 9)"
    )
    db.execute(f"SELECT setval('{AUDIT_IDS}', 1)")
    batch = [event(created_at=5), event()]
    assert AUDIT_IDS in assert_unavailable(client.post(f"{URL}/batch", json=batch))


def test_a_duplicate_is_a_duplicate(client, filled, db):
    sent = event()
    client.post(URL, json=sent)
    db.execute(f"SELECT setval('{EVENT_IDS}', 1)")
    assert client.post(URL, json=sent).json["status"] == "duplicate"


def test_a_sequence_that_was_set_right_goes_on(client, filled, db):
    db.execute(f"SELECT setval('{EVENT_IDS}', 1)")
    assert client.post(URL, json=event()).status_code == 503
    db.execute(
        f"SELECT setval('{EVENT_IDS}', (SELECT max(event_id) FROM os_core.audio_runtime_events))"
    )
    assert client.post(URL, json=event()).status_code == 201
    filled.assert_sound()
