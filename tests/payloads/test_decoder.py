"""The decoder accepts only what the schema accepts, returns equal values, and is used."""

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import fields, validate
from msgspec import Raw

from telemetry.audio_runtime.schema import (
    EVENT_FIELDS,
    EVENT_SCHEMAS,
    DeviceSchema,
    RebuildSchema,
    SessionSchema,
    load_event,
)
from telemetry.http.errors import Invalid
from telemetry.payloads.decoder import values_of
from telemetry.payloads.fields import Text
from telemetry.payloads.loading import PayloadSchema, load
from telemetry.payloads.parsing import parse_document
from telemetry.payloads.records import read_records
from telemetry.runs.schema import CommitSchema, OutcomeSchema, RunSchema
from telemetry.runs.views import load_run, load_run_row
from telemetry.runtime_events.schema import EventSchema
from tests.support.audio_runtime import event
from tests.support.json_values import TIMESTAMPS, VALUES
from tests.support.runs import full_run, minimal_run
from tests.support.runtime_events import full_event, minimal_event

OUTCOME = {name: value for name, value in full_run().items() if name in OutcomeSchema().fields}
COMMIT = {
    "commit_hash": "0123abc",
    "commit_source": "ci",
    "commit_author": "Ada",
    "commit_timestamp": "2026-01-31T11:00:00Z",
}
TENANT = {"tenant_id": "tenant-1"}

FULL: dict[str, tuple[PayloadSchema, dict[str, Any]]] = {
    "run": (RunSchema(), full_run()),
    "outcome": (OutcomeSchema(), OUTCOME),
    "commit": (CommitSchema(), COMMIT),
    "runtime event": (EventSchema(), full_event()),
    "device": (DeviceSchema(), {**TENANT, "device_type": "phone"}),
    "session": (SessionSchema(), {**TENANT, "device_id": "device-1"}),
    "rebuild": (RebuildSchema(), {**TENANT, "device_id": "device-1"}),
    **{kind: (schema, {**event(kind), "session_id": 71}) for kind, schema in EVENT_SCHEMAS.items()},
}

SETTINGS = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def wire(text):
    """Return the bytes of a text, where a surrogate stands for a byte that is not UTF-8."""
    return text.encode(errors="surrogateescape")


def outcome(load_one):
    """Return the result of a load as a text, which differs for 1, 1.0 and true."""
    try:
        return "valid", repr(load_one())
    except Invalid as invalid:
        return "invalid", repr(invalid.problems)


def decoded(schema, text):
    payload = schema.decode(Raw(wire(text)))
    return None if payload is None else values_of(payload)


def assert_same(schema, text):
    slow = outcome(lambda: load(schema, parse_document(wire(text))))
    assert outcome(lambda: load(schema, Raw(wire(text)))) == slow
    if isinstance(schema, RunSchema):
        slow = outcome(lambda: stored(load_run(parse_document(wire(text)))))
        assert outcome(lambda: stored(load_run(Raw(wire(text))))) == slow
        slow = outcome(lambda: row(load_run_row(parse_document(wire(text)))))
        assert outcome(lambda: row(load_run_row(Raw(wire(text))))) == slow
    if isinstance(schema, tuple(map(type, EVENT_SCHEMAS.values()))):
        slow = outcome(lambda: load_event(parse_document(wire(text))))
        assert outcome(lambda: load_event(Raw(wire(text)))) == slow


def stored(loaded):
    """Return the record as the database gets it, in any order of its fields."""
    return loaded.values.key, json.loads(loaded.values.json), sorted(loaded.ignored)


def row(loaded):
    """Return the record as COPY gets it."""
    return loaded.values.key, loaded.values.json, loaded.values.unsent, sorted(loaded.ignored)


def names_of_each_type(schema):
    """Return one field of each type and size."""
    kinds = {
        (type(it), it.required, getattr(it, "min", None), getattr(it, "max", None)): name
        for name, it in schema.fields.items()
    }
    return kinds.values()


def members(payload):
    return [(json.dumps(name), json.dumps(value)) for name, value in payload.items()]


def document(parts):
    return "{" + ", ".join(f"{name}: {value}" for name, value in parts) + "}"


@pytest.mark.parametrize(("schema", "payload"), FULL.values(), ids=FULL.keys())
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_full_payload_takes_the_fast_path(schema, payload, ascii_only):
    text = json.dumps(payload, ensure_ascii=ascii_only, indent=1)
    assert payload.keys() == schema.fields.keys()
    assert repr(decoded(schema, text)) == repr(load(schema, payload).values)


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        (RunSchema(), minimal_run()),
        (RunSchema(), minimal_run(status=None, metrics_json=None, end_time=None, product=None)),
        (RunSchema(), minimal_run(status="completed", metrics_json={"at": 1753862400.1234567})),
        (RunSchema(), minimal_run(api_posted=0)),
        (RunSchema(), minimal_run(api_posted=1)),
        (RunSchema(), minimal_run(context_json={"n": [[[[{}]]]], "m": [None, True, -1, 0.5]})),
        *[(RunSchema(), minimal_run(start_time=text)) for text in TIMESTAMPS],
        (EventSchema(), minimal_event()),
        (EventSchema(), minimal_event(runtime_ms=3, metadata=None, id=None)),
        (EVENT_SCHEMAS["STREAM_REFS"], event("STREAM_REFS", processed_stream_id=2**63 - 1)),
        *[
            (it, {**dict.fromkeys(EVENT_FIELDS), **event(kind)})
            for kind, it in EVENT_SCHEMAS.items()
        ],
        (RebuildSchema(), {**TENANT, "device_id": None}),
    ],
)
def test_a_valid_payload_takes_the_fast_path(schema, payload):
    assert decoded(schema, json.dumps(payload)) == load(schema, payload).values


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("unknown field", ("run", {"unheard_of": 1})),
        ("long integer", ("VAD_EVENT", {"processed_stream_id": 2**127})),
        ("double that looks whole", ("run", {"metrics_json": {"n": 1e16}})),
        ("NUL", ("run", {"metrics_json": {"n": "\0"}})),
        ("deep nesting", ("run", {"metrics_json": {"n": [[[[[[1]]]]]]}})),
        ("null of a required field", ("VAD_EVENT", {"processed_stream_id": None})),
        ("null of an unknown field", ("VAD_EVENT", {"unheard_of": None})),
    ],
)
def test_what_msgspec_cannot_check_is_left_to_the_schema(name, changed):
    schema, payload = FULL[changed[0]]
    assert decoded(schema, json.dumps({**payload, **changed[1]})) is None


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:40])
def test_any_value_in_any_field_loads_the_same_on_both_paths(value):
    for schema, payload in FULL.values():
        for name in [*names_of_each_type(schema), *sorted(schema.null_only)[:3], "unheard_of"]:
            changed = {**dict(members(payload)), json.dumps(name): value}
            assert_same(schema, document(changed.items()))


@pytest.mark.long
@SETTINGS
@given(data=st.data())
def test_any_members_in_any_order_load_the_same_on_both_paths(data):
    schema, payload = data.draw(st.sampled_from([*FULL.values()]))
    whole = members(payload)
    other = st.tuples(st.sampled_from(whole).map(lambda it: it[0]), st.sampled_from(VALUES))
    more = data.draw(st.lists(st.sampled_from(whole) | other, max_size=3))
    parts = data.draw(st.permutations(whole + more))
    left_out = data.draw(st.sampled_from([0, 0, 1]))
    assert_same(schema, document(parts[left_out:]))


@pytest.mark.long
@SETTINGS
@given(data=st.data())
def test_a_damaged_text_loads_the_same_on_both_paths(data):
    schema, payload = data.draw(st.sampled_from([*FULL.values()]))
    text = document(members(payload))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 3))
        put = data.draw(st.sampled_from([*VALUES, *'{}[],:"\\-.e0 \n']) | st.text(max_size=3))
        text = text[:start] + put + text[start + cut :]
    try:
        text.encode()
    except UnicodeEncodeError:
        return  # no body decodes to that
    assert_same(schema, text)


@pytest.mark.long
@SETTINGS
@given(number=st.floats(allow_nan=False, allow_infinity=False), digits=st.integers(1, 40))
def test_any_double_loads_the_same_on_both_paths(number, digits):
    for written in (repr(number), f"{number:.{digits}e}", f"{number:.{digits}f}"):
        metrics = f'{{"n": [{written}]}}'
        assert_same(RunSchema(), document([*members(minimal_run()), ('"metrics_json"', metrics)]))
        assert_same(EventSchema(), document([*members(minimal_event()), ('"runtime_ms"', written)]))


@pytest.mark.long
@settings(SETTINGS, max_examples=60)  # each is tried in every field
@given(
    whole=st.integers(-(2**66), 2**66) | st.sampled_from([0, 1, 2**53, 2**63 - 1, 2**63]),
    form=st.sampled_from(["{}", "{}.0", "{}.00", "{}e0", "{}0e-1", "{}.0e+0", "-{}.0"]),
)
def test_any_whole_number_loads_the_same_on_both_paths(whole, form):
    written = form.format(whole)
    for schema, payload in FULL.values():
        for name in names_of_each_type(schema):
            changed = {**dict(members(payload)), json.dumps(name): written}
            assert_same(schema, document(changed.items()))


@pytest.mark.long
@SETTINGS
@given(data=st.data(), form=st.sampled_from(["%s", '{"runs": %s}', '{"x": 1, "runs": %s, "y": 2}']))
def test_a_batch_has_the_same_records_split_or_parsed(data, form):
    values = st.sampled_from(VALUES) | st.just(json.dumps(minimal_run()))
    text = form % f"[{', '.join(data.draw(st.lists(values, max_size=3)))}]"

    def whole():
        parsed = parse_document(wire(text))
        return parsed["runs"] if isinstance(parsed, dict) else parsed

    assert outcome(lambda: read(text)) == outcome(whole)


def read(text):
    body = wire(text)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = len(body) + 1
    with app.test_request_context(method="POST", data=body, content_type="application/json"):
        records = read_records("runs", 10)
    return [parse_document(it) if isinstance(it, Raw) else it for it in records]


def test_a_field_type_without_a_rule_decides_for_itself():
    class Even(Text):
        def _deserialize(self, value, *_, **__):
            return super()._deserialize(value).upper()

    class Schema(PayloadSchema):
        even = Even(required=True)
        short = Text(validate=validate.Length(max=3))

    assert decoded(Schema(), '{"even": "a", "short": "abc"}') == {"even": "A", "short": "abc"}
    assert decoded(Schema(), '{"even": "a", "short": "abcd"}') is None
    assert decoded(Schema(), '{"even": null}') is None


@pytest.mark.parametrize("unusual", [{"data_key": "other"}, {"load_default": "x"}])
def test_a_field_that_the_decoder_would_get_wrong_is_refused_at_the_start(unusual):
    class Schema(PayloadSchema):
        field = fields.String(**unusual)

    with pytest.raises(TypeError, match="field"):
        Schema()
