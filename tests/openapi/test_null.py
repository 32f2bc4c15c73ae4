"""null is the same as leaving an optional field out, and the document says so."""

import json

import jsonschema_rs
import pytest

from telemetry.audio_runtime.openapi import OPERATIONS as AUDIO_RUNTIME
from telemetry.audio_runtime.schema import EVENT_SCHEMAS
from telemetry.openapi.views import DOCUMENT
from telemetry.runs.openapi import OPERATIONS as RUNS
from telemetry.runtime_events.openapi import OPERATIONS as RUNTIME_EVENTS
from tests.support.api_cases import PREPARATION

PARSED = json.loads(DOCUMENT.read_text(encoding="utf-8"))

BODIES = {
    "POST /api/v1/runs": RUNS["create"].body,
    "PATCH /api/v1/runs/{event_id}": RUNS["update"].body,
    "POST /api/v1/runs/{event_id}/associate-commit": RUNS["associate_commit"].body,
    "POST /api/runtime/events": RUNTIME_EVENTS["create"].body,
    "PUT /api/v1/devices/{device_id}": AUDIO_RUNTIME["put_device"].body,
    "POST /api/v1/audio-runtime/events": AUDIO_RUNTIME["append"].body,
    "POST /api/v1/audio-runtime/rebuild": AUDIO_RUNTIME["rebuild_current"].body,
}


@pytest.mark.parametrize("name", BODIES)
def test_every_optional_field_may_be_null(client, name):
    for method, path, body in PREPARATION:
        assert client.open(path, method=method, json=body).status_code == 201
    method, path = name.split()
    schema, example, *_ = BODIES[name]
    schema = EVENT_SCHEMAS[example["event_kind"]] if isinstance(schema, dict) else schema()
    required = {it: example[it] for it, field in schema.fields.items() if field.required}
    # An update needs something to update.
    sent = {**dict.fromkeys(schema.absent_when_null), **(required or example)}
    assert None in sent.values()

    filled = path.format(event_id="first-run", device_id="kitchen-1")
    assert client.open(filled, method=method, json=sent).status_code in (200, 201)
    described = PARSED["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]
    validator = jsonschema_rs.validator_for(
        {**described["schema"], "components": PARSED["components"]}
    )
    assert [str(error) for error in validator.iter_errors(sent)] == []
