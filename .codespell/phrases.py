"""Find the phrases of the word list, which codespell can't: it reads word by word.

    python phrases.py dialect.txt FILE_OR_FOLDER...

A phrase is also found across the end of a line, with a comment marker in between. Prints
``file:line: phrase ==> replacement`` for each hit. Exit status 1 when there is one.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = {".conf", ".md", ".py", ".sql", ".toml", ".txt"}

# Between two words: blanks, line ends, and the marker that begins the next line of a comment.
GAP = r"(?:\s+(?:(?:#|--|>|[-*])[ \t]+)?)"


def read_phrases(word_list: Path) -> dict[str, str]:
    """Return the entries of more than one word. The format is codespell's: ``phrase->words``."""
    entries = (line.split("->", 1) for line in word_list.read_text().splitlines() if line)
    return {phrase: words for phrase, words in entries if " " in phrase}


def find(text: str, phrases: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Yield the line number and the phrase of each hit; ``is None`` is code, not prose."""
    longest_first = sorted(phrases, key=len, reverse=True)
    words = "|".join(map(_pattern, longest_first))
    for hit in re.finditer(rf"(?<![\w'-])(?:{words})(?![\w'-])", text):
        line = text.count("\n", 0, hit.start()) + 1
        yield line, " ".join(re.findall(r"[\w']+", hit[0].lower()))


def _pattern(phrase: str) -> str:
    """Return the expression for a phrase, which may begin a sentence."""
    first = f"(?:{phrase[0]}|{phrase[0].upper()})"
    return first + GAP.join(map(re.escape, phrase[1:].split(" ")))


def files(paths: list[str]) -> Iterator[Path]:
    """Yield the files named, and those with prose in the folders named."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(it for it in path.rglob("*") if it.suffix in SUFFIXES)
        else:
            yield path


def main(word_list: str, *paths: str) -> int:
    """Print the hits and return the exit status."""
    phrases = read_phrases(Path(word_list))
    hits = [
        f"{file}:{line}: {phrase} ==> {phrases[phrase]}"
        for file in files([*paths])
        for line, phrase in find(file.read_text(encoding="utf-8"), phrases)
    ]
    print(*hits, sep="\n", end="\n" if hits else "")
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
