"""Where each domain's data is kept, for every combination of the four variables.

The expected results are written out, and none is computed: a deploy once wrote its events to a
JSON file although a database was configured.
"""

from itertools import product
from pathlib import Path

import pytest

from telemetry.config import Config
from telemetry.persistence import resolve

RUNTIME = "postgresql://user:secret@runtime-host/runtime"
MAIN = "postgres://user:secret@main-host/main"
FILE = "/var/lib/telemetry/events.jsonl"

ALL = ("agent_runs_not_postgresql", "runtime_events_not_postgresql", "audio_runtime_not_postgresql")

# (RUNTIME_DATABASE_URL, DATABASE_URL, RUNTIME_EVENTS_PATH): (runtime events, runs and audio)
WHERE = {
    (RUNTIME, MAIN, FILE): (RUNTIME, MAIN),
    (RUNTIME, MAIN, None): (RUNTIME, MAIN),
    (RUNTIME, None, FILE): (RUNTIME, RUNTIME),
    (RUNTIME, None, None): (RUNTIME, RUNTIME),
    (None, MAIN, FILE): (MAIN, MAIN),
    (None, MAIN, None): (MAIN, MAIN),
    (None, None, FILE): (FILE, None),
    (None, None, None): (None, None),
}

# (the same three, PERSISTENCE_CONTRACT_REQUIRED): (required, failures)
CONTRACT = {
    (RUNTIME, MAIN, FILE, "auto"): (True, ()),
    (RUNTIME, MAIN, FILE, "true"): (True, ()),
    (RUNTIME, MAIN, FILE, "false"): (False, ()),
    (RUNTIME, MAIN, None, "auto"): (True, ()),
    (RUNTIME, MAIN, None, "true"): (True, ()),
    (RUNTIME, MAIN, None, "false"): (False, ()),
    (RUNTIME, None, FILE, "auto"): (True, ()),
    (RUNTIME, None, FILE, "true"): (True, ()),
    (RUNTIME, None, FILE, "false"): (False, ()),
    (RUNTIME, None, None, "auto"): (True, ()),
    (RUNTIME, None, None, "true"): (True, ()),
    (RUNTIME, None, None, "false"): (False, ()),
    (None, MAIN, FILE, "auto"): (True, ()),
    (None, MAIN, FILE, "true"): (True, ()),
    (None, MAIN, FILE, "false"): (False, ()),
    (None, MAIN, None, "auto"): (True, ()),
    (None, MAIN, None, "true"): (True, ()),
    (None, MAIN, None, "false"): (False, ()),
    (None, None, FILE, "auto"): (False, ()),
    (None, None, FILE, "true"): (True, ALL),
    (None, None, FILE, "false"): (False, ()),
    (None, None, None, "auto"): (False, ALL),
    (None, None, None, "true"): (True, ALL),
    (None, None, None, "false"): (False, ALL),
}


def resolved(runtime=None, main=None, file=None, required=None):
    variables = {
        "RUNTIME_DATABASE_URL": runtime,
        "DATABASE_URL": main,
        "RUNTIME_EVENTS_PATH": file,
        "PERSISTENCE_CONTRACT_REQUIRED": required,
    }
    return resolve(Config.from_env({name: value for name, value in variables.items() if value}))


def where(backend):
    assert backend.kind == {None: "none", FILE: "json_file"}.get(
        backend.url or (backend.path and str(backend.path)), "postgresql"
    )
    return backend.url or (str(backend.path) if backend.path else None)


def test_runtime_db_precedence_over_events_path_when_runtime_database_url_set():
    persistence = resolved(runtime=RUNTIME, file=FILE)
    assert persistence.runtime_events.kind == "postgresql"
    assert persistence.runtime_events.url == RUNTIME
    assert persistence.runtime_events.path is None
    assert persistence.runtime_events.durable
    assert persistence.contract.passed


def test_both_tables_have_every_combination():
    rows = {*product((RUNTIME, None), (MAIN, None), (FILE, None))}
    assert {*WHERE} == rows
    assert {*CONTRACT} == {(*row, it) for row in rows for it in ("auto", "true", "false")}


@pytest.mark.parametrize("row", CONTRACT)
def test_every_combination_resolves_as_written(row):
    events, records = WHERE[row[:3]]
    required, failures = CONTRACT[row]
    persistence = resolved(*row)
    assert where(persistence.runtime_events) == events
    assert where(persistence.agent_runs) == records
    assert where(persistence.audio_runtime) == records
    assert persistence.database_urls == tuple(
        dict.fromkeys(url for url in (records, events) if url and url != FILE)
    )
    assert persistence.events_file_override == (row[2] is not None)
    assert persistence.contract.required == required
    assert persistence.contract.failures == failures
    assert persistence.contract.passed == (not failures)


@pytest.mark.parametrize("row", WHERE)
def test_the_contract_is_auto_by_default(row):
    assert resolved(*row).contract == resolved(*row, "auto").contract


def test_a_json_file_is_not_durable():
    persistence = resolved(file=FILE)
    assert persistence.runtime_events.path == Path(FILE)
    assert not persistence.runtime_events.durable
    assert persistence.ok("runtime_events")
    assert not persistence.ok("agent_runs")


def test_the_embedded_database_of_serve_is_used_only_when_nothing_is_configured():
    embedded = "postgresql://postgres:@/postgres?host=/tmp"
    for (runtime, main, file), where in WHERE.items():
        config = Config(
            runtime_database_url=runtime,
            database_url=main,
            runtime_events_path=Path(file) if file else None,
            embedded_database_url=embedded,
        )
        urls = resolve(config).database_urls
        if runtime or main:
            assert embedded not in urls
            assert set(urls) == {it for it in where if it != FILE}
        else:
            assert urls == (embedded,)


def test_the_note_of_a_domain_names_the_variable_to_set():
    persistence = resolved(file=FILE)
    assert "DATABASE_URL" in persistence.agent_runs.note
    assert "RUNTIME_EVENTS_PATH" in resolved().runtime_events.note


def test_the_log_line_has_every_backend_and_no_url():
    line = str(resolved(runtime=RUNTIME, main=MAIN, file=FILE))
    assert line == (
        "Persistence: agent_runs=postgresql (DATABASE_URL is set),"
        " runtime_events=postgresql (RUNTIME_DATABASE_URL is set),"
        " audio_runtime=postgresql (DATABASE_URL is set); contract required, passed"
    )
    assert "contract not required, failed: agent_runs_not_postgresql" in str(resolved())


def test_no_representation_shows_a_url():
    for row in WHERE:
        assert "secret" not in f"{resolved(*row)!r} {resolved(*row)}"
