"""GET /api/v1/audit/events, and what the audit trail takes."""

import psycopg
import pytest

from tests.support.audio_runtime import KIND_FIELDS, event
from tests.support.ledger import Ledger

URL = "/api/v1/audit/events"


@pytest.fixture
def cast(database_url, db):
    ledger = Ledger(database_url, db)
    ledger.bind({"device-1": "tenant-1", "device-2": "tenant-1", "device-3": "tenant-2"})
    return ledger


@pytest.fixture
def filled(client, cast):
    sent = [event(device_id=f"device-{1 + n % 2}") for n in range(10)]
    client.post("/api/v1/audio-runtime/events/batch", json=sent)
    return cast.audit()


def test_it_works(client, filled):
    answer = client.get(URL, query_string={"tenant_id": "tenant-1"})
    assert answer.status_code == 200
    assert answer.json["has_more"] is False
    for item, row in zip(answer.json["items"], filled, strict=True):
        assert item["recorded_at"].endswith("Z")
        assert {**item, "recorded_at": row["recorded_at"]} == row


def test_a_device_is_read_page_by_page(client, filled):
    asked = {"tenant_id": "tenant-1", "device_id": "device-2", "limit": 2}
    ids, more = [], True
    while more:
        page = client.get(URL, query_string=asked).json
        ids += [item["audit_event_id"] for item in page["items"]]
        asked["after"], more = page["items"][-1]["audit_event_id"], page["has_more"]
    assert ids == [row["audit_event_id"] for row in filled if row["device_id"] == "device-2"]


def test_of_a_tenant_the_first_are_read(client, filled):
    answer = client.get(URL, query_string={"tenant_id": "tenant-1", "limit": 3}).json
    assert [item["audit_event_id"] for item in answer["items"]] == [
        row["audit_event_id"] for row in filled[:3]
    ]
    assert answer["has_more"] is True


@pytest.mark.parametrize(
    "query",
    [
        "",
        "tenant_id=",
        "tenant_id=t&device_id=d&after=-1",
        "tenant_id=t&after=1",
        "tenant_id=t&x=1",
    ],
)
def test_it_rejects_a_bad_query(client, query):
    assert client.get(f"{URL}?{query}").status_code == 422


def insert(db, source_event_id, **changes):
    row = {
        "tenant_id": "tenant-1",
        "device_id": "device-1",
        "engine": "PH1.K",
        "event_type": "K_VAD_EVENT_MARKER_COMMIT",
        "reason_codes": [],
        "severity": "INFO",
        "source_event_id": source_event_id,
        "payload_min": '{"tenant_id": "tenant-1", "device_id": "device-1"}',
        **changes,
    }
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    db.execute(f"INSERT INTO audit.audit_events ({names}) VALUES ({marks})", [*row.values()])


def payload(more):
    return f'{{"tenant_id": "tenant-1", "device_id": "device-1", {more}}}'


FLAGS = str(KIND_FIELDS["DEGRADATION_FLAGS"]).lower().replace("'", '"')


@pytest.mark.parametrize(
    "changes",
    [
        {"payload_min": payload('"selected_mic": "x"')},
        {"payload_min": payload('"degradation_flags": {"aec_unstable": true}')},
        {"payload_min": payload(f'"degradation_flags": {FLAGS.replace("true", "1")}')},
        {"payload_min": payload(f'"degradation_flags": {FLAGS[:-1]}, "x": true}}')},
        {"payload_min": payload('"degradation_flags": null')},
        {"payload_min": '{"tenant_id": "tenant-2", "device_id": "device-1"}'},
        {"payload_min": "{}"},
        {"payload_min": "[]"},
        {"engine": "PH1.X"},
        {"event_type": "K_OTHER_COMMIT"},
        {"reason_codes": ["K_OTHER"]},
        {"severity": "WARN"},
        {"reason_codes": ["K_AEC_UNSTABLE"]},
    ],
)
def test_the_table_takes_nothing_that_is_not_on_its_list(cast, db, filled, changes):
    with pytest.raises(psycopg.errors.CheckViolation):
        insert(db, filled[0]["source_event_id"], **changes)


def test_an_event_has_one_audit_row_and_each_audit_row_an_event(cast, db, filled):
    with pytest.raises(psycopg.errors.UniqueViolation, match="ux_audit_events_source"):
        insert(db, filled[0]["source_event_id"])
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        insert(db, 10**9)
