"""GET /docs shows every operation of the API, without JavaScript."""

import gzip
import json
import re
import subprocess

import pytest

from telemetry.openapi.views import DOCUMENT
from tests.support.pages import BROWSER, Page, open_page

PARSED = json.loads(DOCUMENT.read_text(encoding="utf-8"))

OPERATIONS = [it for methods in PARSED["paths"].values() for it in methods.values()]


def plain(text):
    """Return a text of the document as the page shows it."""
    return re.sub(r"\s+", " ", text.replace("`", " ")).strip()


def test_it_shows_every_operation_with_what_it_needs_and_returns(client):
    page = open_page(client, "/docs")
    shown = re.sub(r"\s+", "", page.text)
    ids = {attributes.get("id") for _, attributes in page.elements}
    for operation in OPERATIONS:
        assert operation["operationId"] in ids
        texts = [operation["summary"], operation.get("description", "")]
        texts += [it["description"] for it in operation.get("parameters", ())]
        texts += [it["description"] for it in operation["responses"].values() if "$ref" not in it]
        for text in texts:
            assert plain(text).replace(" ", "") in shown, text


def test_it_describes_the_errors_and_headers_that_operations_share(client):
    page = open_page(client, "/docs")
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert PARSED["components"]["responses"].keys() < ids
    for header in PARSED["components"]["headers"]:
        assert header in page.text


def test_every_link_leads_somewhere(client):
    page = open_page(client, "/docs")
    ids = {attributes.get("id") for _, attributes in page.elements}
    here = [it.removeprefix("#") for it in page.links() if it.startswith("#")]
    assert len(here) > len(OPERATIONS)
    assert {*here} <= ids
    for path in {it.partition("#")[0] for it in page.links() if it.startswith("/docs/")}:
        assert client.get(path).status_code == 200


def test_runs_come_first(client):
    links = open_page(client, "/docs").links()
    contents = [it for it in links if it.startswith("#")]
    assert contents[:3] == ["#main", "#Runs", "#postApiV1Runs"]


def test_a_body_says_what_is_required(client):
    text = open_page(client, "/docs").text
    assert re.search(r"event_id required string, 1–255 characters", text)
    assert re.search(r"reason_code required integer, 0 or more", text)
    assert "Each record has the fields of Create a run" in text


def commands(client, **headers):
    markup = client.get("/docs", headers={**BROWSER, **headers}).text
    found = re.findall(r"<code>(curl .*?)</code>", markup, re.DOTALL)
    return [Page(it).text.strip() for it in found]


def test_commands_name_this_host(client):
    found = commands(client, Host="telemetry.example:8080")
    assert len(found) > len(OPERATIONS)
    assert all("http://telemetry.example:8080/" in it for it in found)
    assert not any("Authorization" in it for it in found)


def test_commands_are_those_of_a_shell(client):
    found = commands(client)
    script = "\n".join(["curl() { printf '%s' curl; printf '\\t%s' \"$@\"; echo; }", *found])
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    sent = [it.split("\t") for it in done.stdout.split("curl\t")[1:]]
    assert len(sent) == len(found)
    for arguments in sent:
        if "Content-Type: application/json" in arguments:
            json.loads(arguments[-1])


def test_commands_name_the_token_where_one_is_needed(make_app):
    client = make_app(auth_enabled=True, auth_token="secret").test_client()
    found = commands(client, Authorization="Bearer secret")
    for command in found:
        is_open = re.search(r"/(health|api/health|api/ready|api/health/persistence)$", command)
        assert ("Authorization" in command) == (not is_open), command
    assert not any("secret" in it for it in found)


def test_it_is_light_and_sent_once(client):
    headers = {**BROWSER, "Accept-Encoding": "gzip"}
    first = client.get("/docs", headers=headers)
    assert len(first.data) < 40_000
    assert b"</html>" in gzip.decompress(first.data)
    tag = first.headers["ETag"]
    again = client.get("/docs", headers={**headers, "If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    # Its commands name the host.
    other = {**headers, "If-None-Match": tag, "Host": "other.example"}
    assert client.get("/docs", headers=other).status_code == 200


def test_it_needs_no_database(make_app):
    client = make_app(database_url="postgresql://postgres@127.0.0.1:1/none").test_client()
    open_page(client, "/docs")


@pytest.mark.parametrize("path", ["/docs", "/docs/try", "/docs/docs.js"])
def test_it_needs_the_token(make_app, path):
    client = make_app(auth_enabled=True, auth_token="secret").test_client()
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"Authorization": "Bearer secret"}).status_code == 200
