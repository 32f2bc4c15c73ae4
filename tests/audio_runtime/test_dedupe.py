"""The same event sent again is the same event."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.audio_runtime import KINDS, event

URL = "/api/v1/audio-runtime/events"


def test_at_k_db_03_idempotency_dedupe_works(client, cast, db):
    sent = event("STREAM_REFS", session_id=71)
    first = client.post(URL, json=sent)
    before = cast.everything()
    again = client.post(URL, json=sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == {**first.json, "status": "duplicate"}
    assert cast.everything() == before
    with pytest.raises(psycopg.errors.UniqueViolation, match="ux_audio_runtime_events_dedupe"):
        db.execute(
            "INSERT INTO os_core.audio_runtime_events (tenant_id, device_id, event_kind,"
            " created_at, idempotency_key, processed_stream_id, pre_roll_buffer_id, row_hash)"
            " VALUES ('tenant-1', 'device-1', 'STREAM_REFS', 1, %s, 's', 1, %s)",
            [sent["idempotency_key"], bytes(32)],
        )
    cast.assert_sound()


def test_it_tells_in_what_a_repetition_differs(client, cast):
    sent = event("TIMING_STATS")
    first = client.post(URL, json=sent).json
    before = cast.everything()
    again = {**sent, "created_at": 1, "jitter_ms": 99.0, "session_id": 71}
    answer = client.post(URL, json=again)
    assert answer.status_code == 200
    assert answer.json["event_id"] == first["event_id"]
    assert answer.json["differs"] == ["created_at", "jitter_ms", "session_id"]
    assert cast.everything() == before


@pytest.mark.parametrize("field", ["tenant", "device_id", "event_kind", "idempotency_key"])
def test_each_part_of_the_key_counts(client, cast, field):
    sent = event("VAD_EVENT", idempotency_key="same")
    other = {
        "tenant": event(tenant_id="tenant-2", device_id="device-3", idempotency_key="same"),
        "device_id": event(device_id="device-2", idempotency_key="same"),
        "event_kind": event("TTS_PLAYBACK_ACTIVE", idempotency_key="same"),
        "idempotency_key": event(idempotency_key="Same"),
    }[field]
    assert client.post(URL, json=sent).status_code == 201
    assert client.post(URL, json=other).status_code == 201


def test_of_many_at_once_one_is_the_first(make_app, cast):
    client = make_app(db_pool_size=8).test_client
    sent = event(KINDS[0])
    with ThreadPoolExecutor(8) as threads:
        posts = [threads.submit(client().post, URL, json=sent) for _ in range(24)]
        answers = [post.result() for post in posts]
    assert sorted(answer.status_code for answer in answers) == [200] * 23 + [201]
    assert len({answer.json["event_id"] for answer in answers}) == 1
    assert len(cast.events()) == 1
    cast.assert_sound()


def test_an_append_past_the_lock_is_not_chained_upon(client, cast, db):
    """Somebody inserts the very same key between the batch's look and its insert."""
    db.execute(
        "CREATE FUNCTION intrude() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        "  IF NEW.idempotency_key = 'raced' AND pg_trigger_depth() = 1 THEN"
        "    EXECUTE format('INSERT INTO %I.%I (event_id, tenant_id, device_id, event_kind,"
        "      created_at, idempotency_key, processed_stream_id, row_hash)"
        "    OVERRIDING SYSTEM VALUE"
        "    VALUES ($1, ''tenant-1'', ''device-1'', ''VAD_EVENT'', 1, ''raced'', ''s'', $2)',"
        "      TG_TABLE_SCHEMA, TG_TABLE_NAME) USING NEW.event_id + 1000, NEW.row_hash;"
        "  END IF; RETURN NEW; END $$"
    )
    db.execute(
        "CREATE TRIGGER intrude BEFORE INSERT ON os_core.audio_runtime_events"
        " FOR EACH ROW EXECUTE FUNCTION intrude()"
    )
    answer = client.post(f"{URL}/batch", json=[event(), event(idempotency_key="raced"), event()])
    assert answer.status_code == 503
    assert cast.events() == []
    db.execute("DROP TRIGGER intrude ON os_core.audio_runtime_events")
    cast.assert_sound()
