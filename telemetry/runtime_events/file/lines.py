"""Lines of an open file, from either end, without reading more of it than needed."""

import os
import time
from collections.abc import Iterator
from typing import NamedTuple

BLOCK = 256 * 1024
SHORT_BLOCK = 4096


class Line(NamedTuple):
    """A line without its newline, and the offset where it begins."""

    offset: int
    text: bytes


def read_backwards(fd: int, end: int) -> Iterator[Line]:
    """Yield the lines before ``end``, the last one first, without empty ones."""
    position, rest = end, b""
    while position > 0:
        start = max(0, position - BLOCK)
        block = os.pread(fd, position - start, start) + rest
        first, *others = block.split(b"\n")
        offset = start + len(block)
        for text in reversed(others):
            offset -= len(text)
            if text:
                yield Line(offset, text)
            offset -= 1
        position, rest = start, first
        time.sleep(0)  # lets other requests run during a long read
    if rest:
        yield Line(0, rest)


def read_forwards(fd: int, start: int, end: int) -> Iterator[Line]:
    """Yield the lines from ``start`` to ``end``, without empty ones; the last may be cut off."""
    offset, rest = start, b""
    while offset + len(rest) < end:
        position = offset + len(rest)
        *whole, rest = (rest + os.pread(fd, min(BLOCK, end - position), position)).split(b"\n")
        for text in whole:
            if text:
                yield Line(offset, text)
            offset += len(text) + 1
    if rest:
        yield Line(offset, rest)


def line_start(fd: int, end: int) -> int:
    """Return where the line that ends at ``end`` begins: ``end`` itself after a newline."""
    position = end
    while position > 0:
        start = max(0, position - SHORT_BLOCK)
        found = os.pread(fd, position - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0


def line_at(fd: int, offset: int) -> bytes:
    """Return the line that begins at ``offset``."""
    text = b""
    while block := os.pread(fd, SHORT_BLOCK, offset + len(text)):
        head, newline, _ = block.partition(b"\n")
        text += head
        if newline:
            break
    return text


def write_all(fd: int, data: bytes) -> None:
    """Write all of ``data``: one system call may write only a part."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
