"""``python -m telemetry.audio_runtime.proof``: check an export without its database."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from telemetry.audio_runtime.finding import Finding
from telemetry.audio_runtime.kept_heads import BadHeads, Head, Heads, read_heads
from telemetry.audio_runtime.proof.device import Start, check_device
from telemetry.audio_runtime.proof.export import BadExport, read_export


def main() -> int:
    """Print a line per finding; return 0, or 1 with findings, or 2 when it could not check."""
    parser = argparse.ArgumentParser(
        prog="python -m telemetry.audio_runtime.proof",
        description="Check an export of the audio ledger without its database.",
        epilog="The exit status is that of verify: 1 with findings, 2 when it could not check.",
    )
    parser.add_argument("export", help="the file that verify --export wrote; - reads the input")
    parser.add_argument("--heads", type=Path, metavar="FILE", help="also compare with kept heads")
    options = parser.parse_args()
    count = 0
    try:
        kept = read_heads(options.heads) if options.heads else {}
        descriptor = sys.stdin.fileno() if options.export == "-" else options.export
        with open(descriptor, encoding="utf-8") as lines:
            for finding in check_export(lines, kept):
                print(finding)
                count += 1
        sys.stdout.flush()
    except (BadExport, BadHeads, OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(f"{count} finding(s)" if count else "nothing is wrong", file=sys.stderr)
    return 1 if count else 0


def check_export(lines: Iterable[str], kept: Heads) -> Iterator[Finding]:
    """Yield what is wrong with the exported devices, first event of each first.

    Raises BadExport, and ValueError for events in another order than that of ``event_id``.
    """
    missing = {*kept}
    for device, links in read_export(lines):
        missing.discard(device[:2])
        yield from check_device(device, links, Start(), kept.get(device[:2], Head(None, None)))
    for name in sorted(missing):
        yield Finding(*name, kept[name].event_id, "kept_event_missing")


if __name__ == "__main__":
    sys.exit(main())
