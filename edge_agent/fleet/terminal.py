"""The operator's terminal: results go to stdout, everything said along the way to stderr."""

from rich.console import Console

out = Console(highlight=False, emoji=False, markup=False)
err = Console(stderr=True, highlight=False, emoji=False, markup=False)


def note(text: str) -> None:
    """Say something on the way to the result."""
    err.print(text, style="dim", soft_wrap=True)
