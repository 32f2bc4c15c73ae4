"""The log says which token was refused and why, and the response does not."""

import logging

import pytest

from tests.support.errors import assert_error
from tests.support.pages import BROWSER
from tests.support.waiting import wait_until


@pytest.fixture
def lines(caplog):
    """The messages of requests and the tokens that they name."""
    caplog.set_level(logging.INFO, logger="telemetry.request")

    def read():
        found = [(it.message, getattr(it, "token", None)) for it in caplog.records]
        caplog.clear()
        return found

    return read


def test_the_log_says_which_token_ended_and_how(create, token, app, as_token, db, lines):
    texts = {name: create(name, "runs:read") for name in ("early", "late")}
    assert as_token(texts["early"], "GET", "/api/v1/runs").status_code == 200
    token("revoke", "early")
    db.execute("UPDATE api_tokens SET expires_at = now() WHERE name = 'late'")
    path = "/api/v1/runs"
    wait_until(lambda: as_token(texts["early"], "GET", path).status_code == 401, 3)
    lines()
    for name, how in (("early", "revoked"), ("late", "expired")):
        refused = as_token(texts[name], "GET", path)
        assert_error(refused, 401, "Invalid authentication token")
        assert lines() == [(f"GET {path} 401: the token {name} is {how}", name)]
    other = texts["late"][:-4] + "0000"
    assert as_token(other, "GET", path).status_code == 401
    assert lines() == [(f"GET {path} 401: Invalid authentication token", None)]
    form = {"token": texts["late"]}
    headers = {**BROWSER, "Origin": "http://localhost"}
    assert app.test_client().post("/sign-in", data=form, headers=headers).status_code == 401
    assert lines() == [("Sign-in refused: the token late is expired", "late")]
