"""The service responds as its document says. ``make test-api`` runs far more cases."""

import os

import pytest

from tests.support import api_cases


@pytest.fixture
def service(start_service):
    return start_service()


@pytest.mark.long
def test_every_response_is_documented_and_fits(service, tmp_path):
    options = ["--phases", "examples,fuzzing", "--max-examples", "5", "--no-shrink"]
    if "CI" in os.environ:  # where hypothesis draws the same values every time
        options.append("--generation-deterministic")
    count, report = api_cases.run(service, tmp_path, *options)
    assert not report, report
    assert count > 150


@pytest.mark.long
def test_a_response_that_does_not_fit_is_found(service, tmp_path, monkeypatch):
    """Shows that the checks look: a document that demands more is not fulfilled."""
    document = api_cases.DOCUMENT.read_text().replace('"total_runs": {', '"total_walks": {')
    (tmp_path / "wrong.json").write_text(document.replace('"total_runs",', '"total_walks",'))
    monkeypatch.setattr(api_cases, "DOCUMENT", tmp_path / "wrong.json")
    options = ("--include-path", "/metrics", "--max-examples", "1")
    _, report = api_cases.run(service, tmp_path, *options)
    assert "total_walks" in report
