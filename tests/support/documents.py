"""The documents, their code blocks, and the examples in them."""

import re
import shlex
from collections.abc import Iterator

from tests.support.service import PROJECT

DOCUMENTS = {
    str(file.relative_to(PROJECT)): file.read_text()
    for file in sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")])
}
BLOCK = re.compile(r"^```(\w+)\n(.+?)^```$", re.DOTALL | re.MULTILINE)


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
