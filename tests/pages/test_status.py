"""The page of the status says where data is and why, in any configuration."""

import re

import pytest

from app import create_app
from telemetry.config import Config
from telemetry.pages import status_store
from tests.support.audio_runtime import event
from tests.support.command import telemetry
from tests.support.pages import open_page


def test_it_describes_the_database(client):
    text = open_page(client, "/status").text
    assert "DATABASE_URL is set" in text
    assert "ready" in text
    assert "every trigger, function, constraint and index of the ledger is as this release" in text
    assert "Connections" in text
    assert "Clock agrees with this machine" in text
    assert "python -m telemetry doctor" in text


@pytest.mark.parametrize(("sign", "where"), [("+", "ahead of"), ("-", "behind")])
def test_it_names_a_clock_that_is_wrong(client, monkeypatch, sign, where):
    elsewhere = f"clock_timestamp() {sign} interval '1 hour'".encode()
    statement = status_store.DATABASE.replace(b"clock_timestamp()", elsewhere)
    monkeypatch.setattr(status_store, "DATABASE", statement)
    assert f"Clock 3,600 s {where} this machine" in open_page(client, "/status").text


def test_it_shows_sizes_archiving_and_analysts(client, db):
    db.execute("ANALYZE os_core.devices")
    text = open_page(client, "/status").text
    assert re.search(r"Tables that grow .* os_core\.audio_runtime_events few ", text)
    assert "Log for recovery not archived by this server" in text
    assert "Analysts no role may read the views" in text
    db.execute("CREATE ROLE reader_of_views")
    try:
        db.execute("GRANT USAGE ON SCHEMA telemetry_views TO reader_of_views")
        assert "Analysts reader_of_views" in open_page(client, "/status").text
    finally:
        db.execute("DROP OWNED BY reader_of_views")
        db.execute("DROP ROLE reader_of_views")


def test_it_names_what_is_wrong_with_the_schema(make_app, db):
    client = make_app().test_client()
    db.execute("ALTER TABLE audit.audit_events DISABLE TRIGGER refuse_change")
    text = open_page(client, "/status").text
    assert "not ready" in text
    assert "append only triggers disabled" in text
    db.execute("ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER refuse_change")


def test_it_shows_the_last_verify_of_the_ledger(client, database_url, db):
    assert "The whole ledger has never been verified" in open_page(client, "/status").text
    assert telemetry("verify", DATABASE_URL=database_url).returncode == 0
    assert "found nothing wrong" in open_page(client, "/status").text
    db.execute("UPDATE audio_runtime_verifications SET findings = 2")
    assert "2 findings" in open_page(client, "/status").text


def test_without_a_database_it_says_what_to_set():
    text = open_page(create_app(Config()).test_client(), "/status").text
    assert "a PostgreSQL database is needed: set DATABASE_URL" in text
    assert "not ready" in text


def test_a_file_does_not_survive_a_restart(tmp_path):
    app = create_app(Config(runtime_events_path=tmp_path / "events.jsonl"))
    text = open_page(app.test_client(), "/status").text
    assert "a JSON file not on a hosted platform only RUNTIME_EVENTS_PATH is set" in text


def test_it_names_each_of_two_databases(make_app, database_url):
    away = "postgresql://postgres@127.0.0.1:1/none"
    app = make_app(database_url=database_url, runtime_database_url=away)
    text = open_page(app.test_client(), "/status").text
    assert "Can the database serve? Runs, Devices and their ledger ready" in text
    assert "Can the database serve? Runtime events database unreachable" in text


def test_it_counts_what_was_appended(client):
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    before = _appended(client)
    assert client.post("/api/v1/audio-runtime/events", json=event()).status_code == 201
    assert _appended(client) == before + 1


def _appended(client):
    text = open_page(client, "/status").text
    return int(re.search(r"Device events ([\d,]+) since", text)[1].replace(",", ""))


def test_while_the_database_is_away_it_still_opens():
    app = create_app(Config(database_url="postgresql://postgres@127.0.0.1:1/none"))
    text = open_page(app.test_client(), "/status").text
    assert "database unreachable" in text
    for database in app.extensions["databases"]:
        database.close()
