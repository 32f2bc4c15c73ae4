"""Whatever an agent reports, the service accepts."""

import dataclasses
import json
import time
from collections import UserDict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.client import values
from telemetry.client.fields import INTEGERS, OBJECTS, TEXTS, TIMES


@dataclasses.dataclass
class Odd:
    """A value of no type that JSON knows."""

    name: str

    def __str__(self):
        raise ValueError("cannot be printed")


texts = st.text(st.characters(codec=None, categories=("L", "N", "P", "S", "Z", "Cc", "Cs")))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    st.binary(max_size=20),
    st.dates(),
    st.datetimes(),
    st.decimals().filter(lambda it: not it.is_snan()),
    st.just(Odd("x")),
    st.complex_numbers(),
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(scalars.filter(lambda it: not isinstance(it, Odd)), inner, max_size=4)
    ),
    max_leaves=12,
)
OTHERS = {"agent_owner", "unknown", "git_commit_source"}
NAMES = sorted((INTEGERS | OBJECTS | TEXTS | TIMES | OTHERS) - {"trigger_type"})


@pytest.fixture
def recorded(make_client):
    """A client, and a function that returns the records it has appended since the last call."""
    client = make_client(strict=False)
    lines = []
    client._channel.append = lambda line, share: not lines.append(line)

    def take():
        records = [json.loads(line) for line in lines]
        lines.clear()
        return [next(iter(record.values())) for record in records]

    return client, take


def assert_accepted(client, url, records):
    body = client.post(url, json=records).json
    assert body["errors"] == []
    assert "ignored_fields" not in body


@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    fields=st.dictionaries(st.sampled_from(NAMES), anything, max_size=6),
    names=st.tuples(anything, anything, anything),
)
def test_the_service_accepts_any_run(client, recorded, fields, names):
    reporting, take = recorded
    agent, job, trigger = names
    run = reporting.begin_run(agent, job, trigger, **fields)
    run.set_metrics(**fields)
    run.end(names[0], **fields)
    records = take()
    assert_accepted(client, "/api/v1/runs/batch", [records[0], records[-1]])
    for change in records[1:-1]:
        path = f"/api/v1/runs/{run.event_id}"
        fields = {name: value for name, value in change.items() if name != "event_id"}
        assert client.patch(path, json=fields).status_code in (200, 409)


@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    endpoint=anything,
    runtime_ms=anything,
    fields=st.fixed_dictionaries(
        {},
        optional={
            "source": anything,
            "method": anything,
            "status_code": anything,
            "raw_endpoint": anything,
            "idea_id": anything,
            "metadata": st.dictionaries(texts, anything, max_size=4),
        },
    ),
)
def test_the_service_accepts_any_event(client, recorded, endpoint, runtime_ms, fields):
    reporting, take = recorded
    reporting.record_event(endpoint, runtime_ms, **fields)
    assert_accepted(client, "/api/runtime/events/batch", take())


def test_nothing_is_dropped(recorded):
    reporting, take = recorded
    metrics = {
        "nan": float("nan"),
        "set": {1},
        "long": 2**70,
        "decimal": Decimal("1.5"),
        "date": date(2026, 1, 31),
        1: b"bytes",
        "deep": {"a": [{"b": (1, 2)}]},
        "odd": Odd("x"),
    }
    reporting.begin_run(metrics_json=metrics, items_failed="many", colour="red")
    (record,) = take()
    assert record["metrics_json"] == {
        "nan": "nan",
        "set": [1],
        "long": str(2**70),
        "decimal": "1.5",
        "date": "2026-01-31",
        "1": "bytes",
        "deep": {"a": [{"b": [1, 2]}]},
        "odd": "<Odd that cannot be printed>",
    }
    assert record["context_json"] == {"items_failed": "many", "colour": "red"}


def test_objects_that_refer_to_each_other_have_an_end(recorded):
    reporting, take = recorded
    family = {"name": "parent"}
    family["children"] = [{"parent": family, "number": number} for number in range(2)]
    all_of_all = [[] for _ in range(40)]
    for each in all_of_all:
        each.extend(all_of_all)
    begun = time.monotonic()
    reporting.begin_run(metrics_json=family, context_json={"all": all_of_all})
    assert time.monotonic() - begun < 5
    (record,) = take()
    assert record["metrics_json"] == {
        "name": "parent",
        "children": [{"parent": "…", "number": 0}, {"parent": "…", "number": 1}],
    }
    assert list(record["context_json"]) == ["truncated"]


def test_the_memory_for_warnings_is_bounded(recorded):
    reporting, take = recorded
    for number in range(1100):
        reporting.begin_run(**{f"field_{number}": 1})
    assert len(take()) == 1100
    assert len(reporting.notices._warned) == 1000


def test_the_payload_of_an_event_may_be_anything(recorded):
    reporting, take = recorded
    reporting.log_event("mine", "page", ["a"])
    reporting.record_event("/page", 1, metadata=7)
    first, second = take()
    assert first["metadata"]["value"] == '["a"]'
    assert second["metadata"] == {"value": 7}


class Unreadable(UserDict):
    """A mapping whose backend has gone."""

    def __iter__(self):
        raise OSError("closed")


@pytest.mark.parametrize("value", [Unreadable(), {"long": 10**5000}])
def test_an_object_stays_one_whatever_it_holds(client, recorded, value):
    reporting, take = recorded
    run = reporting.begin_run(colour="red", metrics_json=value)
    run.end(context_json=value, size=1)
    start, end = take()
    assert all(isinstance(end[name], dict) for name in ("metrics_json", "context_json"))
    assert_accepted(client, "/api/v1/runs/batch", [start, end])


def test_what_is_no_field_joins_the_context(recorded):
    reporting, take = recorded
    run = reporting.begin_run(colour="red", agent_owner="team")
    run.set_metrics(context_json={"a": 1})
    run.set_metrics(size=3)
    run.end()
    expected = {"a": 1, "colour": "red", "agent_owner": "team", "size": 3}
    assert take()[-1]["context_json"] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("2026-01-31 12:00:00.5+02:00", "2026-01-31T10:00:00.500000Z"),
        ("2026-01-31T12:00:00.1234567-0130", "2026-01-31T13:30:00.123456Z"),
        (datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00Z"),
        (datetime(2026, 1, 31, tzinfo=timezone(timedelta(hours=1))), "2026-01-30T23:00:00Z"),
        ("2026-13-31T12:00:00Z", None),
        ("yesterday", None),
        (7, None),
    ],
)
def test_times(given, expected):
    assert values.timestamp(given) == expected


def test_a_huge_text_costs_no_more_than_what_is_kept():
    text = "é" * 20_000_000
    begun = time.monotonic()
    assert values.storable(values.text(text)).endswith('\\u00e9"')
    assert time.monotonic() - begun < 0.3


def test_a_long_text_keeps_its_end(recorded):
    reporting, take = recorded
    reporting.begin_run(error_details="first" + "x" * 10**6 + "last")
    details = take()[0]["error_details"]
    assert len(details) < 70_000
    assert (details[:5], details[-4:]) == ("first", "last")


@pytest.mark.parametrize("run_id", ["", " ", "a/b", "a\\b", "a\0b", "x" * 256, "\ud800", 7])
def test_a_run_id_that_cannot_be_one_is_replaced(recorded, run_id):
    reporting, take = recorded
    assert reporting.start_run("me", "job", run_id=run_id) == take()[0]["run_id"] != run_id


def test_a_run_id_in_progress_is_not_used_twice(recorded):
    reporting, _ = recorded
    run_ids = {reporting.start_run(run_id="mine") for _ in range(3)}
    assert len(run_ids) == 3
    assert {run_id[:4] for run_id in run_ids} == {"mine"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("completed", "success"),
        ("FAILED", "failure"),
        ("canceled", "cancelled"),
        ("timeout", "timeout"),
        ("running", "failure"),
        ("odd", "failure"),
        (None, "failure"),
    ],
)
def test_the_status_of_an_end(recorded, given, expected):
    reporting, take = recorded
    reporting.end_run(reporting.start_run(), given)
    assert take()[-1]["status"] == expected
