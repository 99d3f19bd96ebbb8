"""One configuration file as it lies on disk, before anyone asks what it means."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_agent.config import lines
from edge_agent.config.problems import InvalidConfigError, Loc, Problem, path_text

# A pushed config of more is refused (contract, section 7), and what lies on disk must fit into a push.
MAX_BYTES = 1024 * 1024

_TOML_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_REPEATED = re.compile(r"overwrite|twice|[Dd]uplicate")


@dataclass(frozen=True, slots=True)
class Document:
    """``data``: the exact bytes; ``table``: the TOML table in them; ``lines``: where each part of it stands.

    ``folder``: relative paths in it are taken from there; None: what it names lies on another machine and is not
    looked for.
    """

    file: Path
    folder: Path | None = None
    data: bytes = b""
    table: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[Loc, int] = field(default_factory=dict)

    def line(self, loc: Loc) -> int:
        """Return the line of a path, or of the nearest table around it."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def problem(self, loc: Loc, message: str, allowed: tuple[str, ...] = (), suggestion: str | None = None) -> Problem:
        """Return a problem with what stands, or is missing, at a path."""
        return Problem(self.file, self.line(loc), path_text(loc), message, allowed, suggestion)


def read(file: Path) -> Document:
    """Return the file's document. Raises InvalidConfigError: unreadable, too large, not UTF-8, not TOML."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unusable(file, 1, f"cannot be read: {reason(error)}{_remedy(error)}") from None
    if len(data) > MAX_BYTES:
        raise _unusable(file, 1, f"is larger than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unusable(file, line, "is not UTF-8: save the file with that encoding") from None
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise _unusable(file, 1, f"is nested more than {lines.MAX_DEPTH} deep") from None
    except ValueError as error:  # TOMLDecodeError, and int() on thousands of digits
        raise InvalidConfigError(_not_toml(file, text, error)) from None
    return Document(file, file.parent.absolute(), data, table, lines.find(text).lines)


def reason(error: Exception) -> str:
    """Return why a file could not be read, in words."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)


def _remedy(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "; it is for root and for the agent's user: use sudo, or let that user read it"
    if isinstance(error, FileNotFoundError):
        return "; docs/installation.md tells which files there must be"
    return ""


def _unusable(file: Path, line: int, message: str) -> InvalidConfigError:
    return InvalidConfigError([Problem(file, line, path_text(()), message)])


def _not_toml(file: Path, text: str, error: ValueError) -> list[Problem]:
    message = str(error)
    position = _TOML_POSITION.search(message)
    line = int(position[1]) if position and position[1] else text.count("\n") + 1 if position else 1
    if _REPEATED.search(message):
        positions = lines.find(text)
        repeated = [
            Problem(file, at, path_text(loc), f"is given twice, first on line {positions.lines[loc]}")
            for loc, at in positions.repeated
        ]
        if repeated:
            return repeated
    what = message[: position.start()] if position else message
    return [Problem(file, line, path_text(()), f"is not valid TOML: {what}")]
