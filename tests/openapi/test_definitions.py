"""What the document repeats because its source can't be imported is equal to the source."""

import re

import jsonschema_rs
import pytest

from telemetry.audio_runtime.openapi_shapes import CURRENT, STORED_EVENT
from telemetry.audio_runtime.proof import declaration
from telemetry.audio_runtime.schema import HEALTHS
from telemetry.audit import openapi as audit
from telemetry.failures import Unavailable
from telemetry.health.openapi import ERRORS
from telemetry.openapi.fields import MOMENT
from telemetry.timestamps import parse_query_time
from tests.openapi.test_document import OPERATIONS, PARSED
from tests.support.service import PROJECT


def test_audit_rows_are_those_of_the_ledger():
    assert {*audit.EVENT_TYPES} == {it.event_type for it in declaration.KINDS.values()}
    assert tuple(it.code for it in declaration.REASONS) == audit.REASON_CODES
    assert declaration.KINDS["DEGRADATION_FLAGS"].fields == audit.DEGRADATION_FLAGS
    keys = {it.payload for it in (*declaration.FIELDS, *declaration.KINDS.values()) if it.payload}
    assert audit.PAYLOAD["properties"].keys() == keys


def test_rows_of_the_ledger_have_its_columns():
    assert STORED_EVENT["properties"].keys() == {*declaration.EVENT_COLUMNS}
    assert CURRENT["properties"].keys() == {*declaration.CURRENT_COLUMNS}
    assert STORED_EVENT["properties"]["device_health"]["enum"] == [*HEALTHS, None]


def test_reasons_not_to_be_ready_are_those_of_the_service():
    def kinds(kind):
        return {kind, *(deep for each in kind.__subclasses__() for deep in kinds(each))}

    named = {getattr(it, "readiness_error", None) for it in kinds(Unavailable)} - {None}
    store = (PROJECT / "telemetry/health/store.py").read_text()
    named |= {*re.findall(r'yield Checked\(\s*"\w+", "(\w+)"', store)}
    named.add("persistence_contract_failed")
    assert named == {*ERRORS}


@pytest.mark.parametrize(
    "text",
    [
        *("2026-01-31", "2026-01-31T12:00", "2026-01-31 12:00:00", "2026-01-31t12:00:00.5z"),
        *("2026-01-31T12:00:00+02:00", "2026-01-31T12:00:00 02:00", "2026-01-31T12:00:00,5-0200"),
        *("2026-01", "20260131", "yesterday", "2026-01-31T12", "2026-01-31T12:00:00+2", ""),
        "٢٠٢٦-01-31",
    ],
)
def test_the_pattern_of_a_time_is_what_is_read(text):
    try:
        parse_query_time(text)
        is_read = True
    except ValueError:
        is_read = False
    assert bool(re.search(MOMENT, text)) == is_read


def test_an_update_without_a_field_does_not_fit():
    schema = OPERATIONS["PATCH /api/v1/runs/{event_id}"]["requestBody"]["content"]
    validator = jsonschema_rs.validator_for(
        {**schema["application/json"]["schema"], "components": PARSED["components"]}
    )
    assert not validator.is_valid({})
    assert validator.is_valid({"status": "success"})


@pytest.mark.parametrize(
    ("name", "status"),
    [
        *(("GET /api/v1/runs/{event_id}", "422"), ("GET /api/v1/runs/{event_id}/repo-url", "422")),
        *(("GET /api/ready", "401"), ("GET /health", "503")),
    ],
)
def test_a_status_that_never_occurs_is_not_described(name, status):
    assert status not in OPERATIONS[name]["responses"]


def test_every_content_type_is_described():
    metrics = OPERATIONS["GET /metrics"]["responses"]["200"]["content"]
    assert {*metrics} == {"application/json", "text/plain", "application/openmetrics-text"}
    for name in OPERATIONS:
        if name.endswith("/batch"):
            assert {*OPERATIONS[name]["requestBody"]["content"]} == {
                "application/json",
                "application/x-ndjson",
                "application/ndjson",
                "application/jsonl",
                "application/x-jsonlines",
            }
