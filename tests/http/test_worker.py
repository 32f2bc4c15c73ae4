"""What is put in the place of gunicorn's functions answers as they do."""

from ipaddress import ip_network

import pytest
from gunicorn import util
from gunicorn.config import Config
from gunicorn.http import message, wsgi

from telemetry.http import worker


@pytest.mark.parametrize("ip", ["127.0.0.1", "10.1.2.3", "::1", "", "unix", "10.1.2.300"])
@pytest.mark.parametrize("allowed", [[], ["*"], ["127.0.0.1", "::1"], ["10.0.0.0/8"]])
def test_it_trusts_whom_gunicorn_trusts(ip, allowed):
    networks = [ip_network(each) for each in allowed if each != "*"]
    for _ in range(2):
        trusted = worker.is_in_allow_list(ip, allowed, networks)
        assert trusted is message._ip_in_allow_list(ip, allowed, networks)


def test_a_reload_changes_nothing_more(monkeypatch):
    replaced = [
        (util, "write_error"),
        (util, "http_date"),
        (util, "unquote_to_wsgi_str"),
        (wsgi, "Response"),
        (wsgi, "base_environ"),
        (message, "_ip_in_allow_list"),
        (message, "split_request_uri"),
    ]
    for module, name in replaced:
        monkeypatch.setattr(module, name, getattr(module, name))
    worker.patch_gunicorn()
    once = [getattr(module, name) for module, name in replaced]
    worker.patch_gunicorn()
    assert [getattr(module, name) for module, name in replaced] == once


def test_no_request_sees_what_another_put_into_its_environ():
    config = Config()
    first = worker.base_environ(config)
    first["REMOTE_USER"] = "somebody"
    second = worker.base_environ(config)
    assert second.keys() == wsgi.base_environ(config).keys()


def test_gunicorn_finds_its_settings_without_a_call(monkeypatch):
    config = Config()
    values = {name: getattr(config, name) for name in config.settings}
    worker.freeze_settings(config)
    monkeypatch.delattr(Config, "__getattr__")
    assert {name: getattr(config, name) for name in values} == values
