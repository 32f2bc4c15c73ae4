"""The doctor behind a pooler: it names the mode, and whether the configuration fits."""

import pytest
from psycopg.errors import ProtocolViolation

from telemetry.doctor.pooler import explained
from telemetry.doctor.subject import LOST, Failed, database_errors
from tests.doctor.support import doctor
from tests.support.pooler import Pooler

OFF = {"TELEMETRY_DB_PREPARED_STATEMENTS": "false"}
FIX = "set TELEMETRY_DB_PREPARED_STATEMENTS=false"


@pytest.fixture
def pooled(database_url):
    opened = []

    def examined(environ, **settings):
        opened.append(Pooler(database_url, **settings))
        return doctor(DATABASE_URL=opened[-1].url, **environ)

    yield examined
    for pooler in opened:
        pooler.close()


@pytest.mark.parametrize("refuses", [True, False])
def test_options_that_do_not_arrive_are_named(pooled, refuses):
    found = pooled({}, refuses_options=refuses)
    assert found.status == 1
    assert found.problem.startswith("options: a pooler ")
    assert FIX in found.problem


@pytest.mark.long
@pytest.mark.parametrize("servers", [1, 2])
def test_a_transaction_pooler_is_recognized(pooled, servers):
    found = pooled(OFF, servers=servers)
    assert found.status == 0
    assert any(it.startswith("pooler: a transaction pooler, and") for it in found.of("ok"))
    assert any(it.startswith("write: a device") for it in found.of("ok"))


def test_to_do_without_a_session_needs_a_reason(database_url):
    found = doctor(DATABASE_URL=database_url, **OFF)
    assert any(it.startswith("pooler: there is no pooler, and") for it in found.of("warning"))


@pytest.mark.parametrize(
    ("pooled", "shared", "session", "level"),
    [
        (False, False, True, "ok"),
        (True, False, True, "ok"),
        (True, True, True, "problem"),
        (False, True, True, "problem"),
        (False, False, False, "warning"),
        (True, False, False, "ok"),
        (True, True, False, "ok"),
    ],
)
def test_the_mode_has_to_fit_the_variable(pooled, shared, session, level):
    assert explained(is_pooled=pooled, is_shared=shared, has_session=session).level == level


def test_a_pooler_of_statements_is_named_once():
    refused = ProtocolViolation("transaction blocks not allowed in statement pooling mode")
    with pytest.raises(Failed) as failed, database_errors("options"):
        raise refused
    assert failed.value.finding.check == LOST
    assert "pool_mode = transaction" in failed.value.finding.fix
