"""The pages of devices, and the check of one of them."""

import json
import re

import pytest

from telemetry.database import statements
from telemetry.pages.words import FLAGS
from tests.support.audio_runtime import KINDS, event
from tests.support.errors import assert_error
from tests.support.pages import BROWSER, HOSTILE, open_page, read_page

OWN = {"Origin": "http://localhost"}
PATH = "/devices/tenant-1/device-1"
FLAGGED = [f"state.{name}" for name in FLAGS]


@pytest.fixture
def device(client):
    assert client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"}).status_code == 201


def append(client, *events):
    for it in events:
        assert client.post("/api/v1/audio-runtime/events", json=it).status_code == 201


def test_an_empty_list_says_what_to_do_next(client):
    assert "curl -X PUT http://localhost/api/v1/devices" in open_page(client, "/devices").text


def test_it_lists_devices_with_their_state(client, device):
    append(client, *(event(kind) for kind in KINDS))
    text = open_page(client, "/devices").text
    assert "device-1 tenant-1 degraded capture degraded device changed 1.25 ms −0.1 ppm 40" in text
    assert "device-1" in open_page(client, "/devices?attention=true").text
    assert "2 need" not in open_page(client, "/").text
    assert "1 of 1 need attention" in open_page(client, "/").text


def test_it_pages_and_filters(client):
    for number in range(130):
        tenant = {"tenant_id": f"tenant-{number % 2}"}
        client.put(f"/api/v1/devices/device-{number}", json=tenant)
    seen, path = [], "/devices"
    while path:
        page = open_page(client, path)
        seen += [it for it in page.links() if it.startswith("/devices/")]
        path = next((it for it in page.links() if "cursor=" in it), None)
    assert len(seen) == len({*seen}) == 130
    links = open_page(client, "/devices?tenant_id=tenant-1").links()
    assert len([it for it in links if it.startswith("/devices/tenant-1/")]) == 65
    assert "No device needs attention" in open_page(client, "/devices?attention=true").text
    assert "has no device" in open_page(client, "/devices?tenant_id=nobody").text


def test_a_device_shows_its_ledger_its_audit_trail_and_its_head(client, device, db):
    append(client, *(event(kind) for kind in KINDS))
    page = open_page(client, PATH)
    head = db.execute("SELECT encode(row_hash, 'hex') AS it FROM os_core.audio_runtime_heads")
    assert head.fetchone()["it"] in page.text
    assert "stop 🛑" in page.text
    assert "K_DEVICE_UNHEALTHY" in page.text
    assert "overruns 9223372036854775807" in page.text


def test_the_ledger_pages_from_the_newest(client, device):
    append(client, *(event() for _ in range(60)))
    page = open_page(client, PATH)
    older = next(path for path in page.links() if "before=" in path)
    assert "There is no older event" not in open_page(client, older).text
    assert "There is no older event" in open_page(client, f"{PATH}?before=1").text
    open_page(client, f"{PATH}?before=0", status=422)


def test_the_audit_trail_pages_from_the_newest(client, device, db):
    append(client, *(event() for _ in range(45)))
    every = db.execute(
        "SELECT source_event_id AS it FROM audit.audit_events ORDER BY audit_event_id DESC"
    )
    seen, path = [], f"{PATH}?before=1"
    while path:
        page = open_page(client, path)
        seen += re.findall(r"marker commit event (\d+)", page.text)
        path = next((it for it in page.links() if "before=1&audit_before=" in it), None)
    assert seen == [str(row["it"]) for row in every]
    assert "There is no older row" in open_page(client, f"{PATH}?audit_before=1").text
    open_page(client, f"{PATH}?audit_before=0", status=422)


def test_an_empty_ledger_says_what_to_do_next(client, device):
    text = open_page(client, PATH).text
    assert "curl -X POST http://localhost/api/v1/audio-runtime/events" in text
    body = json.loads(re.search(r"-d '(\{.*?\})'", text)[1])
    assert client.post("/api/v1/audio-runtime/events", json=body).status_code == 201
    assert "vad event" in open_page(client, PATH).text


def test_every_place_agrees_on_what_needs_attention():
    listed = statements.load("pages/devices").decode()
    panel = statements.load("pages/attention").decode()
    conditions = [
        re.search(r"state\.device_health IN .*?\n +(?:\)|ORDER)", text, re.DOTALL)[0].split()[:-1]
        for text in (listed, panel)
    ]
    assert conditions[0] == conditions[1]
    assert [it.removeprefix("state.") for it in conditions[0] if it in FLAGGED] == [*FLAGS]


def test_a_device_of_another_tenant_does_not_exist(client, device):
    open_page(client, "/devices/tenant-2/device-1", status=404)
    assert client.post("/devices/tenant-2/device-1/verify", headers=OWN).status_code == 404


def test_verify_finds_nothing_in_a_ledger_that_is_right(client, device):
    append(client, *(event(kind) for kind in KINDS))
    page = read_page(client.post(f"{PATH}/verify", headers={**BROWSER, **OWN}))
    assert "nothing is wrong" in page.text
    assert "the hash of every event" in page.text


def test_verify_of_a_long_history_checks_the_newest(client, device, monkeypatch):
    monkeypatch.setattr("telemetry.audio_runtime.verify_newest.EVENTS", 5)
    append(client, *(event(kind) for kind in KINDS), *(event() for _ in range(5)))
    page = read_page(client.post(f"{PATH}/verify", headers={**BROWSER, **OWN}))
    assert "nothing is wrong" in page.text
    assert "python -m telemetry verify --tenant tenant-1 --device device-1" in page.text


def test_verify_says_that_there_may_be_more_findings(client, device, db):
    append(client, *(event() for _ in range(60)))
    db.execute("ALTER TABLE os_core.audio_runtime_events DISABLE TRIGGER refuse_change")
    db.execute("UPDATE os_core.audio_runtime_events SET created_at = 9")
    page = read_page(client.post(f"{PATH}/verify", headers={**BROWSER, **OWN}))
    assert re.search(r"at least \d+ findings", page.text)
    assert "These are the first 20 of each problem" in page.text


@pytest.mark.parametrize("events", [5000, 3])
def test_verify_names_a_row_that_was_changed(client, device, db, monkeypatch, events):
    monkeypatch.setattr("telemetry.audio_runtime.verify_newest.EVENTS", events)
    append(client, *(event() for _ in range(6)))
    db.execute("ALTER TABLE os_core.audio_runtime_events DISABLE TRIGGER refuse_change")
    changed = db.execute(
        "UPDATE os_core.audio_runtime_events SET created_at = 9 WHERE event_id ="
        " (SELECT max(event_id) - 1 FROM os_core.audio_runtime_events) RETURNING event_id"
    ).fetchone()
    page = read_page(client.post(f"{PATH}/verify", headers={**BROWSER, **OWN}))
    assert re.search(r"\d finding", page.text)
    assert "at least" not in page.text
    assert f"event {changed['event_id']}" in page.text


def test_the_address_of_a_result_leads_to_the_device(client, device):
    response = client.get(f"{PATH}/verify", headers=BROWSER)
    assert (response.status_code, response.headers["Location"]) == (303, PATH)


def test_no_other_site_can_ask_for_a_check(client, device):
    assert_error(client.post(f"{PATH}/verify"), 403)
    response = client.post(f"{PATH}/verify", headers={"Origin": "https://evil.example"})
    assert_error(response, 403)


def test_a_clock_that_no_calendar_has_breaks_nothing(client, device):
    append(client, event(created_at=2**63 - 1), event(created_at=0))
    open_page(client, PATH)
    open_page(client, "/devices")


def test_what_devices_sent_is_only_text(client):
    for number, text in enumerate(HOSTILE):
        name = {"tenant_id": "t", "device_id": f"d{number}"}
        sent = {"tenant_id": "t", "device_type": text[:255]}
        client.put(f"/api/v1/devices/d{number}", json=sent)
        short = text[:64]
        append(
            client,
            event("INTERRUPT_CANDIDATE", **name, phrase_text=short),
            event("STREAM_REFS", **name, processed_stream_id=short, raw_stream_id=short),
            event("DEVICE_STATE", **name, selected_mic=text[:255], selected_speaker=short),
        )
        open_page(client, f"/devices/t/d{number}")
    open_page(client, "/devices")
