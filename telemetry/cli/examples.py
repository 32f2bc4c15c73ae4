"""The examples below a command's help."""


def examples(*lines: str) -> str:
    """Return the epilog of a command: these lines unchanged, each of them a command."""
    # click wraps a paragraph of a help text unless it starts with a backspace character.
    return "\n  ".join(["\b\nExamples:", *lines])
