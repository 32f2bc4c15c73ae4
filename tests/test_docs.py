"""The README tells the truth: it names everything there is, and its examples were run."""

import re
import subprocess
from dataclasses import fields

import pytest

from telemetry.cli import main
from telemetry.config import Config
from tests.support.service import PROJECT

README = (PROJECT / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(.+?)```", README, re.DOTALL)
BASE = "http://127.0.0.1:8765"


def test_every_route_is_in_the_readme(client):
    for rule in client.application.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            assert f"`{method} {path}`" in README


def test_every_variable_is_in_the_readme():
    source = (PROJECT / "telemetry/config.py").read_text()
    names = re.findall(r'=env\.\w+\(\s*"(\w+)"', source)
    without = {"embedded_database_url", "aliases"}  # which no operator sets
    assert len(names) == len({field.name for field in fields(Config)} - without)
    for name in names:
        assert f"| `{name}` |" in README


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_is_in_the_readme(command):
    assert f"`python -m telemetry {command}" in README


def test_every_example_answers_as_shown(start_service):
    service = start_service()
    ran = 0
    for block in BLOCKS:
        for example in block.split("$ ")[1:]:
            command, _, shown = example.partition("\n")
            if not command.startswith("curl"):
                continue
            answer = subprocess.check_output(
                ["sh", "-c", command.replace(BASE, service.url)], text=True
            )
            pattern = ".*".join(re.escape(part) for part in shown.strip().split("…"))
            assert re.fullmatch(pattern, answer.strip(), re.DOTALL), command
            ran += 1
    assert ran > 8
