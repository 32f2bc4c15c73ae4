"""The reading side of a spool: the lines of a stream, in order, until they are acknowledged."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, NamedTuple

from telemetry.client.notices import Notices
from telemetry.client.spool.segments import Position, Stream

CHUNK_BYTES = 2 * 1024 * 1024


class Chunk(NamedTuple):
    """Whole lines of a stream, and the position behind them."""

    lines: list[bytes]
    end: Position


class Reader:
    """Reads a stream that this process has locked.

    ``writing`` returns the number of the segment that is being written, None when none is.
    ``freed`` is called with the number of bytes of a deleted segment.
    """

    def __init__(
        self,
        stream: Stream,
        notices: Notices,
        freed: Callable[[int], None],
        writing: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.stream, self._notices, self._writing, self._freed = stream, notices, writing, freed
        self._position = stream.lock.read()
        self._opened: int | None = None
        self._opened_number = 0

    def next(self, max_lines: int) -> Chunk | None:
        """Return the lines that follow the acknowledged ones; None when nothing follows.

        Raises OSError.
        """
        while True:
            # Asked before reading: a segment that is not written any more has its last bytes.
            writing = self._writing()
            if not self._open(writing):
                return None
            data = self._read()
            end = data.rfind(b"\n") + 1
            if end:
                return self._chunk(data[:end], max_lines)
            if self._opened_number == writing:
                return None
            if data:
                # Its process was killed, or the disk was full, in the middle of this line.
                self._notices.count("torn_lines")
            self._finish_segment()

    def acknowledge(self, chunk: Chunk) -> None:
        """Remember that the lines were sent. Raises OSError."""
        self._position = chunk.end
        self.stream.lock.write(chunk.end)

    def close(self) -> None:
        """Close the segment."""
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None

    def finish(self) -> None:
        """Delete the stream, of which every line was acknowledged. Raises OSError."""
        self.close()
        for number in self.stream.numbers():
            self._freed(_delete(self.stream.path(number)))
        self.stream.lock.delete()

    def release(self) -> None:
        """Let another process send the rest."""
        self.close()
        self.stream.lock.release()

    def _open(self, writing: int | None) -> bool:
        """Open the segment of the position; return False when no segment follows."""
        if self._opened is not None:
            return True
        number, _offset = self._position
        numbers = [writing] if number == writing else self.stream.numbers()
        numbers = [each for each in numbers if each is not None and each >= number]
        if not numbers:
            return False
        if numbers[0] != number:
            self._position = Position(numbers[0], 0)
        self._opened = self.stream.open_to_read(numbers[0])
        self._opened_number = numbers[0]
        return True

    def _read(self) -> bytes:
        """Return the bytes from the position on; more of them when a line is longer."""
        assert self._opened is not None
        os.lseek(self._opened, self._position.offset, os.SEEK_SET)
        data = os.read(self._opened, CHUNK_BYTES)
        while data and len(data) % CHUNK_BYTES == 0 and b"\n" not in data:
            more = os.read(self._opened, CHUNK_BYTES)
            if not more:
                break
            data += more
        return data

    def _chunk(self, data: bytes, max_lines: int) -> Chunk:
        lines = data[:-1].split(b"\n")
        if len(lines) > max_lines:
            del lines[max_lines:]
            data = data[: sum(map(len, lines)) + max_lines]
        number, offset = self._position
        return Chunk(lines, Position(number, offset + len(data)))

    def _finish_segment(self) -> None:
        """Delete the segment, of which every line was acknowledged, and go on to the next one."""
        self.close()
        self._position = Position(self._opened_number + 1, 0)
        self.stream.lock.write(self._position)
        self._freed(_delete(self.stream.path(self._opened_number)))


def _delete(file: Path) -> int:
    try:
        size = file.stat().st_size
        file.unlink()
    except OSError:
        return 0
    return size
