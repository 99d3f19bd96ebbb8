"""The operator's terminal: results go to stdout, everything said along the way to stderr."""

import os
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from rich.console import Console

out = Console(highlight=False, emoji=False, markup=False)
err = Console(stderr=True, highlight=False, emoji=False, markup=False)


def note(text: str) -> None:
    """Say something on the way to the result."""
    err.print(text, style="dim", soft_wrap=True)


def line(text: str) -> None:
    """Print a line of the result: a hundred times faster than by way of a console."""
    sys.stdout.write(text + "\n")


def print_json(value: Any) -> None:
    """Print a line of JSON."""
    line(msgspec.json.encode(value).decode())


def plain(text: object) -> str:
    """Return what a store says on one line, without what would steer a terminal."""
    shown = str(text)
    return shown if shown.isprintable() else "".join(one if one.isprintable() else "\ufffd" for one in shown)


def language(environment: Mapping[str, str] = os.environ) -> str:
    """Return the operator's language: the first set of ``LC_ALL``, ``LC_MESSAGES``, ``LANG`` (locale(7)) says."""
    locale = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if locale.startswith("zh") else "en"


def ago(span: timedelta) -> str:
    """Return how long, in the largest unit that is one at least: ``40 s``, ``12 min``, ``3 h``, ``9 d``."""
    seconds = max(0, round(span.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def moment(text: str | None) -> datetime | None:
    """Return the time in a store's document; None: there is none, or nobody can read it."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def joined(texts: Iterable[object], most: int = 3) -> str:
    """Return the first of some names, and how many more there are."""
    shown = [plain(text) for text in texts]
    more = f" +{len(shown) - most}" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
