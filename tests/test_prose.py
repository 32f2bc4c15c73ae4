"""How documents are written: short lines, and no phrases that the prose linter refuses."""

import subprocess
import sys

import pytest

from tests.support.documents import DOCUMENTS
from tests.support.service import PROJECT

LINE_LENGTH = 120
README_LENGTH = 150


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_line_is_too_long(name):
    lines = enumerate(DOCUMENTS[name].splitlines(), 1)
    assert [number for number, line in lines if len(line) > LINE_LENGTH] == []


def test_the_readme_is_short():
    assert len(DOCUMENTS["README.md"].splitlines()) <= README_LENGTH


def test_the_prose_linter_finds_a_phrase_across_a_line_end(tmp_path):
    (tmp_path / "planted.sql").write_text("-- Of its own\n-- accord it stops.\n")
    linter = [PROJECT / ".codespell/phrases.py", PROJECT / ".codespell/dialect.txt", tmp_path]
    done = subprocess.run(
        [sys.executable, *map(str, linter)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "planted.sql:1: of its own " + "accord ==> " in done.stdout
