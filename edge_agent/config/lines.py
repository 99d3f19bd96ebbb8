"""On which line each key of a TOML text stands: no maintained TOML reader for Python tells."""

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass, field

from edge_agent.config.problems import Loc

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_HEADER_END = re.compile(r"[ \t]*\]\]?")
# Up to two quotes may stand before the three that end a multi-line string.
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")
# A table nested deeper than this is no configuration of ours; it must not cost the stack either.
MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class Positions:
    """``lines``: the line (from 1) on which each key, table and list element begins.

    ``repeated``: the keys given twice, each with the line of its repetition.
    """

    lines: dict[Loc, int]
    repeated: list[tuple[Loc, int]]


def find(text: str) -> Positions:
    """Return where everything stands. Text that is no valid TOML is read up to the first thing not understood."""
    scanner = _Scanner(text)
    with suppress(_NotUnderstoodError):
        scanner.scan()
    return Positions(scanner.lines, scanner.repeated)


class _NotUnderstoodError(Exception):
    pass


@dataclass(slots=True)
class _Scanner:
    text: str
    at: int = 0
    lines: dict[Loc, int] = field(default_factory=dict)
    repeated: list[tuple[Loc, int]] = field(default_factory=list)
    _newlines: list[int] = field(default_factory=list)
    _given: set[Loc] = field(default_factory=set)
    _rows: dict[Loc, int] = field(default_factory=dict)  # array of tables → how many so far

    def scan(self) -> None:
        self._newlines = [match.start() for match in re.finditer("\n", self.text)]
        table: Loc = ()
        self._take(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table, 0)
            self._take(_BLANK)

    def _header(self) -> Loc:
        line = self._line()
        is_row = self.text.startswith("[[", self.at)
        self.at += 2 if is_row else 1
        self._take(_BLANK)
        *parents, name = self._keys()
        self._take(_HEADER_END)
        loc: Loc = ()
        for key in parents:
            loc = self._row((*loc, key))
            self.lines.setdefault(loc, line)
        loc = (*loc, name)
        self.lines.setdefault(loc, line)
        if is_row:
            self._rows[loc] = self._rows.get(loc, 0) + 1
            loc = self._row(loc)
            self.lines[loc] = line
        else:
            self._give(loc, line)
        return loc

    def _row(self, loc: Loc) -> Loc:
        """Return the newest row of an array of tables; any other table is itself."""
        return (*loc, self._rows[loc] - 1) if loc in self._rows else loc

    def _pair(self, table: Loc, depth: int) -> None:
        line = self._line()
        loc = table
        keys = self._keys()
        for key in keys:
            loc = (*loc, key)
            self.lines.setdefault(loc, line)
        self._give(loc, line)
        self._take(_EQUALS)
        self._value(loc, depth)

    def _give(self, loc: Loc, line: int) -> None:
        if loc in self._given:
            self.repeated.append((loc, line))
        self._given.add(loc)

    def _value(self, loc: Loc, depth: int) -> None:
        first = self.text[self.at : self.at + 1]
        if depth >= MAX_DEPTH:
            raise _NotUnderstoodError
        if first == "[":
            self._list(loc, depth)
        elif first == "{":
            self._inline_table(loc, depth)
        elif first in {'"', "'"}:
            self._take(_STRING)
        else:
            self._take(_SCALAR)

    def _list(self, loc: Loc, depth: int) -> None:
        self.at += 1
        self._take(_BLANK)
        index = 0
        while not self._ends("]"):
            self.lines[(*loc, index)] = self._line()
            self._value((*loc, index), depth + 1)
            index += 1
            self._separator("]")

    def _inline_table(self, loc: Loc, depth: int) -> None:
        self.at += 1
        self._take(_BLANK)
        while not self._ends("}"):
            self._pair(loc, depth + 1)
            self._separator("}")

    def _ends(self, bracket: str) -> bool:
        if self.at >= len(self.text):
            raise _NotUnderstoodError
        if self.text[self.at] != bracket:
            return False
        self.at += 1
        return True

    def _separator(self, bracket: str) -> None:
        self._take(_BLANK)
        if self.text[self.at : self.at + 1] == ",":
            self.at += 1
            self._take(_BLANK)
        elif self.text[self.at : self.at + 1] != bracket:
            raise _NotUnderstoodError

    def _keys(self) -> list[str]:
        keys = [self._key()]
        while (dot := _DOT.match(self.text, self.at)) is not None:
            self.at = dot.end()
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        token = self._take(_KEY)
        if token[0] not in "\"'":
            return token
        try:
            value: str = tomllib.loads(f"key = {token}")["key"]
        except tomllib.TOMLDecodeError:
            raise _NotUnderstoodError from None
        return value

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _NotUnderstoodError
        self.at = match.end()
        return match[0]

    def _line(self) -> int:
        return bisect_right(self._newlines, self.at) + 1
