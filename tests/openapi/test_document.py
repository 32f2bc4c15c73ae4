"""The document describes the service: every route, every reply, each with an example that fits."""

import gzip
import json
import re
from importlib import import_module

import jsonschema_rs
import pytest

from telemetry.http.caller import needs_of
from telemetry.openapi import document
from telemetry.openapi.routes import routes
from telemetry.openapi.views import DOCUMENT

TEXT = DOCUMENT.read_text(encoding="utf-8")
PARSED = json.loads(TEXT)

OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in PARSED["paths"].items()
    for method, operation in methods.items()
}


def resolved(part):
    """Return a part of the document, or what it refers to."""
    if "$ref" not in part:
        return part
    found = PARSED
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def assert_fits(example, schema):
    validator = jsonschema_rs.validator_for(
        {**schema, "components": PARSED["components"]}, validate_formats=True
    )
    assert [str(error) for error in validator.iter_errors(example)] == []


def test_it_is_what_the_code_makes(client):
    assert document.text(client.application) == TEXT, "make schema writes it"


def test_it_describes_every_route_and_no_other(client):
    """Walks the URL map and the document, without the code that makes the document."""
    served = set()
    for rule in client.application.url_map.iter_rules():
        is_for_people = rule.endpoint.startswith(("pages.", "openapi.page", "openapi.file"))
        if rule.rule.startswith("/api/") or not is_for_people:
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            served |= {f"{method} {path}" for method in rule.methods - {"HEAD", "OPTIONS"}}
    assert served == OPERATIONS.keys()


def test_every_description_is_of_a_view(client):
    views = client.application.view_functions
    for room in {route.room for route in routes(client.application)}:
        described = import_module(f"telemetry.{room}.openapi").OPERATIONS
        assert {f"{room}.{name}" for name in described} <= views.keys()


def test_a_route_that_no_module_describes_is_an_error(make_app):
    app = make_app()
    app.add_url_rule("/api/v1/new", "runs.new", lambda: "")
    with pytest.raises(LookupError):
        document.build(app)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_parameters_are_those_of_the_route(name):
    operation = OPERATIONS[name]
    names = [it["name"] for it in operation.get("parameters", ()) if it["in"] == "path"]
    assert names == re.findall(r"{(\w+)}", name)
    for parameter in operation.get("parameters", ()):
        assert parameter["description"]
        assert_fits(parameter["example"], parameter["schema"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_reply_has_an_example_that_fits(name):
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert {"400", "500"} < operation["responses"].keys()
    for reply in map(resolved, operation["responses"].values()):
        assert reply["description"]
        assert "X-Request-ID" in reply["headers"]
        for header in map(resolved, reply["headers"].values()):
            assert header["description"]
            assert_fits(header["example"], header["schema"])
        for content in reply.get("content", {}).values():
            assert content["example"] is not None
            if not isinstance(content["example"], str):
                assert_fits(content["example"], content["schema"])


@pytest.mark.parametrize("name", [it for it in OPERATIONS if "requestBody" in OPERATIONS[it]])
def test_every_body_has_an_example_that_fits(name):
    content = OPERATIONS[name]["requestBody"]["content"]
    json_body = content["application/json"]
    assert_fits(json_body["example"], json_body["schema"])
    if lines := content.get("application/x-ndjson"):
        items = json_body["schema"]["anyOf"][0]["items"]
        for line in lines["example"].splitlines():
            assert_fits(json.loads(line), items)


@pytest.mark.parametrize("name", OPERATIONS)
def test_only_the_health_endpoints_need_no_token(name):
    health = name.split()[1] in {
        "/health",
        "/api/health",
        "/api/ready",
        "/api/health/persistence",
    }
    assert (OPERATIONS[name].get("security") == []) == health
    assert ("401" in OPERATIONS[name]["responses"]) != health


def test_what_a_token_may_lack_is_described(client):
    """403 where a scope is needed; 503 where a token is checked, which takes the database."""
    declared = needs_of(client.application)
    for route in routes(client.application):
        statuses = OPERATIONS[f"{route.method.upper()} {route.path}"]["responses"]
        need = declared[f"{route.room}.{route.view}"]
        assert ("403" in statuses) == bool(need.scopes), route.path
        assert "503" in statuses or "401" not in statuses, route.path


def test_ids_are_unique():
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len({*ids})


def test_it_is_served(client):
    response = client.get("/openapi.json")
    assert (response.status_code, response.content_type) == (200, "application/json")
    assert response.json == PARSED
    assert len(response.data) < 0.8 * len(TEXT)


def test_it_is_compressed_and_sent_once(client):
    plain = client.get("/openapi.json")
    compressed = client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(compressed.data) == plain.data
    assert len(compressed.data) < 20_000
    tag = plain.headers["ETag"]
    again = client.get("/openapi.json", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag


def test_it_needs_the_token(make_app):
    client = make_app(auth_enabled=True, auth_token="secret").test_client()
    assert client.get("/openapi.json").status_code == 401
    headers = {"Authorization": "Bearer secret"}
    assert client.get("/openapi.json", headers=headers).status_code == 200
