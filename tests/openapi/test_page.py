"""GET /docs/try: the reader from which requests can be sent."""

import gzip
import hashlib
import re

import pytest

from telemetry.openapi.views import FILES, STATIC


def test_it_loads_nothing_from_another_host_and_runs_nothing_inline(client):
    page = client.get("/docs/try")
    assert (page.status_code, page.content_type) == (200, "text/html; charset=utf-8")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"<style|<script>| style=| on\w+=|https?:", page.text)


def test_everything_that_it_names_is_served(client):
    named = re.findall(r'(?:src|href)="(/[^"]+\?[^"]+)"', client.get("/docs/try").text)
    assert len(named) == len(FILES)
    for path in named:
        response = client.get(path)
        assert response.status_code == 200
        kind = {"js": "text/javascript", "css": "text/css"}[
            path.partition("?")[0].rpartition(".")[2]
        ]
        assert response.content_type.startswith(kind)
        # The address changes with the content.
        assert "immutable" in response.headers["Cache-Control"]
        older = client.get(re.sub(r"v=.*", "v=older", path))
        assert older.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["views.py", "../views.py", "%2e%2e%2fviews.py", "LICENSE"])
def test_no_other_file_is_served(client, name):
    assert client.get(f"/docs/{name}").status_code == 404


@pytest.mark.parametrize("path", ["/docs/try", "/docs/swagger-ui-bundle.js"])
def test_it_is_compressed_for_browsers(client, path):
    plain = client.get(path)
    assert "Content-Encoding" not in plain.headers
    compressed = client.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert compressed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(compressed.data) == plain.data


def test_the_vendored_files_are_those_of_the_version():
    folder = STATIC / "swagger-ui"
    title, *lines = (folder / "VERSION").read_text().splitlines()
    assert re.fullmatch(r"swagger-ui-dist [\d.]+ \(npm\), Apache-2.0\. .+", title)
    assert "Apache License" in (folder / "LICENSE").read_text()
    for line in lines:
        digest, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert {"swagger-ui-bundle.js", "swagger-ui.css"} == {line.split()[1] for line in lines}
