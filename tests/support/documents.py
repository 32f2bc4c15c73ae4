"""The documents, their code blocks, and the examples in them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.service import PROJECT

BASE = "http://127.0.0.1:8765"

DOCUMENTS = {
    str(file.relative_to(PROJECT)): file.read_text()
    for file in sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")])
}
BLOCK = re.compile(r"^```(\w+)\n(.+?)^```$", re.DOTALL | re.MULTILINE)

# What is run of a console block; the rest is for the reader.
PROGRAMS = ("curl ", "printf ", "python ")
# How blocks of other languages are run. Without Node on this machine they are not; CI has it.
PYTHON, NODE = ("python", "-c"), ("node", "--input-type=module", "-e")
RUN = {"python": PYTHON, **({"javascript": NODE} if shutil.which("node") else {})}


class Shell:
    """Runs commands in a folder, with the service's commands and database."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder = folder
        inherited = {it: value for it, value in os.environ.items() if it != "XDG_STATE_HOME"}
        self.environ = {
            **inherited,
            "DATABASE_URL": database_url,
            "HOME": str(folder),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "TELEMETRY_API_AUTH_TOKEN": "a-token",
        }

    def __call__(self, *command: str, **environ: str) -> str:
        """Run a command and return what it prints."""
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**self.environ, **environ},
            cwd=self._folder,
            check=False,
        )
        return done.stdout


def run_examples(name: str, url: Callable[..., str], shell: Shell) -> None:
    """Run the examples of a document, and compare what they print with what it shows."""
    for language, text in blocks(name, "console", *RUN):
        if language in RUN:
            output = shell(*RUN[language], text.replace(BASE, url(secure=False)))
            assert output == "", output
            continue
        for command, lines in examples(text):
            if command.startswith(PROGRAMS):
                base = url(secure="Authorization" in text) if BASE in command else BASE
                output = shell("sh", "-c", command.replace(BASE, base))
                assert_shown(lines, output.replace(base, BASE))


def blocks(name: str, *languages: str) -> list[tuple[str, str]]:
    """Return language and text of the document's code blocks, in order."""
    return [block for block in BLOCK.findall(DOCUMENTS[name]) if block[0] in languages]


def examples(block: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block, with the lines shown below it.

    A command ends at the first line end at which the shell takes it for complete.
    """
    for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = example.splitlines()
        end = next(n for n in range(1, len(lines) + 1) if is_complete("\n".join(lines[:n])))
        yield "\n".join(lines[:end]), lines[end:]


def is_complete(command: str) -> bool:
    try:
        return bool(shlex.split(command)) and not command.endswith("\\")
    except ValueError:
        return False


def assert_shown(lines: list[str], output: str) -> None:
    """Compare output with what a document shows, where "…" stands for anything.

    The documents wrap long lines, so line ends and the blanks after them do not count.
    """
    shown = "".join(line.strip() for line in lines)
    got = "".join(line.strip() for line in output.splitlines())
    assert re.fullmatch(".*".join(map(re.escape, shown.split("…"))), got), output
