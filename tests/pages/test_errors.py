"""Errors are pages for browsers and JSON for programs."""

import pytest

from app import create_app
from telemetry.config import Config
from tests.support.errors import assert_error, assert_unavailable
from tests.support.pages import BROWSER, open_page, read_page


def test_a_page_that_does_not_exist_is_a_friendly_page(client):
    page = open_page(client, "/no-such-page", status=404)
    assert "Not found" in page.text
    assert "/runs" in page.links()


def test_programs_get_json(client):
    assert_error(client.get("/no-such-page"), 404)
    assert_error(client.get("/api/no-such-path", headers=BROWSER), 404)


def test_a_wrong_method_is_a_page(client):
    response = client.delete("/", headers=BROWSER)
    assert response.status_code == 405
    assert response.headers["Allow"]
    read_page(response)


@pytest.mark.faults
def test_the_page_retries_by_itself_while_the_database_is_away():
    app = create_app(Config(database_url="postgresql://postgres@127.0.0.1:1/none"))
    client = app.test_client()
    response = client.get("/", headers=BROWSER)
    assert response.status_code == 503
    assert response.headers["Refresh"] == response.headers["Retry-After"]
    assert "tries again by itself" in read_page(response).text
    assert_unavailable(client.get("/"))
    for opened in app.extensions["databases"]:
        opened.close()


def test_without_a_database_it_says_what_to_set():
    client = create_app(Config()).test_client()
    assert "set DATABASE_URL" in open_page(client, "/", status=503).text


def test_a_static_file_may_be_kept_for_ever(client):
    page = open_page(client, "/")
    for tag, attributes in page.elements:
        if tag in ("script", "link"):
            url = attributes.get("src") or attributes["href"]
            response = client.get(url)
            assert response.status_code == 200
            assert "immutable" in response.headers["Cache-Control"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "immutable" not in client.get(url.partition("?")[0]).headers["Cache-Control"]
    assert client.get("/static/..%2Fviews.py").status_code == 404
    assert client.get("/static/views.py", headers=BROWSER).status_code == 404
