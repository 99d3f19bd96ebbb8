"""What is wrong with a configuration, said so that an installer can put it right."""

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_agent.errors import ConfigError

Loc = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
MAX_PROBLEMS = 1000  # of one file; whoever has more has another file in hand, and a MiB can hold 300 000

# difflib's own default is 0.6: "baudrat" finds "baudrate", "keys" does not find "kind".
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where.

    ``line`` counts from 1. ``path``: keys joined by dots, places in a list counted from 0: ``device[2].baudrate``;
    ``(file)`` where the file as a whole is meant. ``allowed``: what may stand there; ``suggestion``: what was
    probably meant.
    """

    file: Path
    line: int
    path: str
    message: str
    allowed: tuple[str, ...] = ()
    suggestion: str | None = None

    def __str__(self) -> str:
        hints = [f"allowed: {', '.join(map(_on_one_line, self.allowed))}"] if self.allowed else []
        if self.suggestion is not None:
            hints.append(f"did you mean {_on_one_line(self.suggestion)}")
        tail = f" ({'; '.join(hints)})" if hints else ""
        return f"{self.file}:{self.line}: {self.path}: {self.message}{tail}"


class InvalidConfigError(ConfigError):
    """The files cannot be used. ``problems``: everything that is wrong, agent.toml first, by line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RefusedError(ValueError):
    """A settings model refuses a value and knows what would be right."""

    def __init__(self, message: str, allowed: Iterable[str] = (), suggestion: str | None = None) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)
        self.suggestion = suggestion


def path_text(loc: Loc) -> str:
    """Return a path as a person writes it: ``device[2].fields.order_no``; odd keys in quotes."""
    text = ""
    for step in loc:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _BARE_KEY.fullmatch(step) else quoted(step))
    return text or "(file)"


def quoted(value: str, longest: int = 60) -> str:
    """Return a value from the file in quotes, on one line, cut if it is long."""
    shown = value if len(value) <= longest else value[: longest - 1] + "…"
    return json.dumps(shown, ensure_ascii=not shown.isprintable())


def _on_one_line(hint: str) -> str:
    """Return what may stand there as it is written; ids of the file are among it, which may be anything."""
    return hint if hint.isprintable() else quoted(hint)


def closest(word: str, words: Iterable[str]) -> str | None:
    """Return the one of ``words`` that ``word`` was probably meant to be."""
    by_folded = {candidate.casefold(): candidate for candidate in words}
    match = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=_ALIKE)
    return by_folded[match[0]] if match else None
