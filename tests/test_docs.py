"""The documents are true: their examples run, and they name everything that exists."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.error import HTTPError

import click
import psycopg
import pytest
from click.testing import CliRunner

from telemetry import time_limits
from telemetry.audio_runtime.schema import EVENT_SCHEMAS
from telemetry.cli import main
from telemetry.config import Config
from telemetry.runs.schema import CommitSchema, RunSchema
from telemetry.runtime_events.schema import EventSchema
from tests.support.documents import BASE, DOCUMENTS, blocks, run_examples
from tests.support.runs import full_run
from tests.support.service import PROJECT

API = DOCUMENTS["docs/api.md"]
DATABASE = DOCUMENTS["docs/database.md"]
OPERATE = DOCUMENTS["docs/operate.md"]

# The examples of docs/agents.md run in tests/test_docs_agents.py, which looks at the rows too.
SPECIAL = {"docs/agents.md", "docs/database.md"}
WITH_EXAMPLES = [it for it in DOCUMENTS if blocks(it, "console", "python")]


PLANS = pytest.param(
    "docs/database.md", marks=pytest.mark.one_node("the examples show plans of one node")
)


@pytest.mark.parametrize("name", [*sorted({*WITH_EXAMPLES} - SPECIAL), PLANS])
def test_every_example_prints_what_it_shows(name, start_service, shell):
    """All examples of a document run in order, against one database."""

    @cache
    def url(*, secure: bool) -> str:
        token = shell.environ["TELEMETRY_API_AUTH_TOKEN"]
        auth = {"TELEMETRY_API_AUTH_ENABLED": "true", "TELEMETRY_API_AUTH_TOKEN": token}
        return start_service(**(auth if secure else {})).url

    run_examples(name, url, shell)


@contextmanager
def responses(*statuses: int) -> Iterator[tuple[str, list[bytes]]]:
    """Serve these responses in turn; yield the URL, and the bodies of the requests."""
    left, bodies = [*statuses], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(left.pop(0))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(b'{"status": "created"}')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", bodies
        server.shutdown()
        thread.join()


def test_the_retry_recipe_sends_the_same_again_until_it_succeeds():
    (_, recipe), *_ = blocks("docs/api.md", "python")
    with responses(503, 429, 502, 201) as (url, bodies):
        exec(recipe.replace(BASE, url), {})
    assert len(bodies) == 4
    assert len({*bodies}) == 1


def test_the_retry_recipe_gives_up_where_a_retry_changes_nothing():
    (_, recipe), *_ = blocks("docs/api.md", "python")
    with responses(422) as (url, bodies), pytest.raises(HTTPError) as failed:
        exec(recipe.replace(BASE, url), {})
    failed.value.close()
    assert len(bodies) == 1


def test_the_recipe_of_a_follower_handles_each_item_once(start_service, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    service = start_service()
    _, (_, recipe) = blocks("docs/api.md", "python")
    names = {}
    exec(recipe.replace(BASE, service.url), names)
    seen = []

    def follow():
        names["follow"](f"{service.url}/api/v1/feed/runs", seen.append, cursor_file="cursor")

    for run in ("a", "b"):
        service.client.post("/api/v1/runs", json={**full_run(), "event_id": run})
        follow()
        follow()
    assert [run["event_id"] for run in seen] == ["a", "b"]


@pytest.fixture
def ledger(client):
    """Fill the database of docs/database.md: a run, an event, and a device with a history."""
    device = {"tenant_id": "acme", "device_id": "kitchen-1"}
    client.post("/api/v1/runs", json=full_run())
    client.post(
        "/api/runtime/events", json={"source": "api", "endpoint": "/api/ideas", "runtime_ms": 12}
    )
    client.put("/api/v1/devices/kitchen-1", json={"tenant_id": "acme"})
    for number in range(3):
        event = {
            **device,
            "event_kind": "VAD_EVENT",
            "created_at": number,
            "idempotency_key": f"key-{number}",
            "processed_stream_id": "stream-1",
        }
        assert client.post("/api/v1/audio-runtime/events", json=event).status_code == 201


CALLS_WITH_ROWS = "an example calls functions with rows of the ledger: see docs/scale.md"


@pytest.mark.one_node(CALLS_WITH_ROWS)
def test_every_sql_example_runs(ledger, database_url):
    """The rows of each query are as many as a comment in the block says, if one does."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for _, text in blocks("docs/database.md", "sql"):
            cursor = connection.execute(text)
            counts = [cursor.rowcount, *(cursor.rowcount for _ in iter(cursor.nextset, None))]
            wanted = [int(it) for it in re.findall(r"-- (\d+) rows?", text)]
            assert counts == wanted or not wanted, text


@pytest.mark.one_node(CALLS_WITH_ROWS)
def test_the_checks_in_psql_name_a_row_that_was_changed(ledger, database_url):
    chain = next(text for _, text in blocks("docs/database.md", "sql") if "lag(row_hash)" in text)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE os_core.audio_runtime_events DISABLE TRIGGER refuse_change")
        connection.execute(
            "UPDATE os_core.audio_runtime_events SET created_at = 9 WHERE created_at = 1"
        )
        [(changed,)] = connection.execute(chain).fetchall()
        stored = connection.execute(
            "SELECT event_id FROM os_core.audio_runtime_events WHERE created_at = 9"
        )
        assert stored.fetchall() == [(changed,)]


def test_every_table_is_in_the_document_for_dbas(db):
    tables = db.execute(
        "SELECT oid::regclass::text AS name FROM pg_class"
        " WHERE relkind = 'r' AND relname !~ 'yoyo'"
        " AND relnamespace::regnamespace::text IN ('public', 'os_core', 'audit')"
    )
    missing = [row["name"] for row in tables if f"`{row['name']}`" not in DATABASE]
    assert missing == []


def test_every_route_is_in_the_api_document(client):
    for rule in client.application.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            assert f"`{method} {path}`" in API


@pytest.mark.parametrize(
    "schema", [RunSchema(), CommitSchema(), EventSchema(), *EVENT_SCHEMAS.values()]
)
def test_every_field_is_in_the_api_document(schema):
    assert [name for name in schema.fields if f"`{name}`" not in API] == []


def test_every_variable_is_in_the_table_for_operators():
    source = (PROJECT / "telemetry/config.py").read_text()
    names = re.findall(r'=env\.\w+\(\s*"(\w+)"', source)
    without = {"embedded_database_url", "aliases"}  # which no operator sets
    assert len(names) == len({field.name for field in fields(Config)} - without)
    assert [name for name in names if f"| `{name}` |" not in OPERATE] == []


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_is_in_the_document_for_operators(command):
    assert f"`python -m telemetry {command}" in OPERATE
    assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0


def test_every_command_that_is_shown_exists_with_its_options():
    for name, text in DOCUMENTS.items():
        for line in re.findall(r"python -m telemetry ([^`\n|&]+)", text):
            command, *arguments = line.split()
            if command.startswith("--"):
                continue
            found = main.commands[command]
            if isinstance(found, click.Group) and arguments:
                found = found.commands[arguments[0]]
            known = {it for option in found.params for it in option.opts}
            options = {it for it in arguments if it.startswith("--")} - {"--help"}
            assert options <= known, (name, line)


@pytest.mark.long
def test_an_auditor_checks_an_export_with_the_commands_that_are_shown(ledger, shell):
    shown = [text for _, text in blocks("docs/operate.md", "sh") if "telemetry verify" in text]
    [_, kept, exported] = shown
    printed = [shell("sh", "-c", command) for command in (kept + exported).splitlines()]
    assert printed[0].splitlines()[-1] == "1 heads appended to heads.jsonl"
    assert "--export ledger.jsonl" in exported
    assert "telemetry.audio_runtime.proof ledger.jsonl --heads heads.jsonl" in exported
    assert [text.splitlines()[-1] for text in (printed[1], printed[3])] == ["nothing is wrong"] * 2


def test_the_fast_check_is_shown(ledger, shell):
    [fast, *_] = [text for _, text in blocks("docs/operate.md", "sh") if "telemetry verify" in text]
    assert fast == "python -m telemetry verify --fast\n"
    assert shell("sh", "-c", fast).splitlines()[-1] == "nothing is wrong"


def test_every_make_target_that_is_shown_exists():
    targets = re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    for name, text in DOCUMENTS.items():
        for target in re.findall(r"(?:`|^\$ )make (\w+)", text, re.MULTILINE):
            assert target in targets, name


def test_the_time_limits_are_those_of_the_code():
    limits = re.findall(r"^\| `(\w+_SECONDS)` \| ([\d.]+) \|", OPERATE, re.MULTILINE)
    assert len(limits) > 8
    for name, seconds in limits:
        assert getattr(time_limits, name) == float(seconds), name
