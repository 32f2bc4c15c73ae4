"""Applications that require tokens, and tokens made by the command."""

from functools import partial

import pytest

from tests.support.command import telemetry

ENVIRONMENT = "the-token-of-the-environment"


@pytest.fixture
def token(database_url):
    """Run ``python -m telemetry token``."""
    return partial(telemetry, "token", DATABASE_URL=database_url)


@pytest.fixture
def create(token):
    """Create a token; returns its text."""

    def make(name, *scopes, **bindings):
        options = [it for scope in scopes for it in ("--scope", scope)]
        for option, values in bindings.items():
            listed = [values] if isinstance(values, str) else values
            options += [it for value in listed for it in (f"--{option}", value)]
        done = token("create", name, *options)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return make


@pytest.fixture
def app(make_app):
    return make_app(auth_enabled=True, auth_token=ENVIRONMENT)


@pytest.fixture
def as_token(app):
    """Return a function that sends a request with a token, and returns the response."""
    client = app.test_client()

    def send(text, method, path, **kwargs):
        headers = {"Authorization": f"Bearer {text}", **kwargs.pop("headers", {})}
        return client.open(path, method=method, headers=headers, **kwargs)

    return send
