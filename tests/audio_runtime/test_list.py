"""GET of events, current states and heads."""

import pytest

from tests.support.audio_runtime import KINDS, event

EVENTS = "/api/v1/audio-runtime/events"
CURRENT = "/api/v1/audio-runtime/current"
HEADS = "/api/v1/audio-runtime/heads"


@pytest.fixture
def filled(client, cast):
    sent = [
        event(KINDS[n % len(KINDS)], device_id=f"device-{1 + n % 2}", session_id=71)
        for n in range(20)
    ]
    client.post(f"{EVENTS}/batch", json=sent)
    return sent


def test_it_works(client, filled, cast):
    answer = client.get(EVENTS, query_string={"tenant_id": "tenant-1"})
    assert answer.status_code == 200
    assert answer.json["has_more"] is False
    assert [item["event_id"] for item in answer.json["items"]] == sorted(
        row["event_id"] for row in cast.events()
    )
    for item, sent, row in zip(answer.json["items"], filled, cast.events(), strict=True):
        assert {name: item[name] for name in sent} == sent
        assert item["row_hash"] == row["row_hash"].hex()
        assert item.keys() == row.keys()


def test_a_device_is_read_page_by_page(client, filled):
    asked = {"tenant_id": "tenant-1", "device_id": "device-1", "limit": 4}
    keys, more = [], True
    while more:
        page = client.get(EVENTS, query_string=asked).json
        keys += [item["idempotency_key"] for item in page["items"]]
        asked["after"], more = page["items"][-1]["event_id"], page["has_more"]
    assert keys == [sent["idempotency_key"] for sent in filled[::2]]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("device_id=d", {"tenant_id": "missing"}),
        ("tenant_id=t&after=5", {"after": "needs_device_id"}),
        ("tenant_id=t&device_id=d&after=x", {"after": "int_parsing"}),
        ("tenant_id=t&limit=0", {"limit": "greater_than_equal"}),
        ("tenant_id=t&limit=1001", {"limit": "less_than_equal"}),
        ("tenant_id=a%20b&kind=x", {"kind": "unknown", "tenant_id": "name"}),
        ("tenant_id=a%20b", {"tenant_id": "name"}),
    ],
)
def test_it_rejects_a_bad_query(client, query, kind):
    answer = client.get(f"{EVENTS}?{query}")
    assert answer.status_code == 422
    found = {problem["loc"][1]: problem["type"] for problem in answer.json["detail"]}
    assert found == kind


def test_both_lists_of_events_give_the_same_fields(client, filled):
    asked = {"tenant_id": "tenant-1"}
    listed = client.get(EVENTS, query_string=asked).json["items"]
    of_device = client.get(EVENTS, query_string={**asked, "device_id": "device-1"}).json["items"]
    assert of_device == [item for item in listed if item["device_id"] == "device-1"]


@pytest.mark.parametrize("url", [CURRENT, HEADS])
def test_states_and_heads_are_read_page_by_page(client, filled, url):
    first = client.get(url, query_string={"tenant_id": "tenant-1", "limit": 1}).json
    assert first["has_more"] is True
    after = {"tenant_id": "tenant-1", "after": first["items"][0]["device_id"]}
    rest = client.get(url, query_string=after).json
    assert rest["has_more"] is False
    devices = [item["device_id"] for item in first["items"] + rest["items"]]
    assert devices == ["device-1", "device-2"]


def test_a_state_is_read_by_its_names(client, filled, cast):
    answer = client.get(f"{CURRENT}/tenant-1/device-2")
    assert answer.status_code == 200
    assert answer.json == cast.current()["tenant-1", "device-2"]
    listed = client.get(CURRENT, query_string={"tenant_id": "tenant-1"}).json["items"]
    assert listed[1] == answer.json
    assert client.get(f"{CURRENT}/tenant-1/device-3").status_code == 404
    assert client.get(f"{CURRENT}/tenant-1/a%20b").status_code == 422


def test_heads_are_the_newest_events(client, filled, cast):
    items = client.get(HEADS, query_string={"tenant_id": "tenant-1"}).json["items"]
    newest = cast.events()[-2:]
    assert items == [
        {
            "tenant_id": "tenant-1",
            "device_id": row["device_id"],
            "event_id": row["event_id"],
            "row_hash": row["row_hash"].hex(),
        }
        for row in sorted(newest, key=lambda row: row["device_id"])
    ]


def test_a_device_without_events_has_no_head_and_no_state(client, cast):
    for url in (HEADS, CURRENT):
        assert client.get(f"{url}?tenant_id=tenant-1").json["items"] == []
