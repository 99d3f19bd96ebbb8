r"""Text to a line display's bytes, in its own dialect.

Nothing of a text can become a command: control characters are refused, characters that the display's code page has not
are shown blank, and what is written besides text is written here: clear, rows, lamps, cursor. No command that writes a
memory (``ESC s 1``, ``ESC &``, ``ESC b``), kicks a drawer or chooses a device is ever made.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.decoders._escpos_text import MULTIBYTE
from edge_agent.decoders._linedisplay_commands import SCROLLED
from edge_agent.decoders._linedisplay_digits import DIGITS, LABELS, DigitsState
from edge_agent.decoders._linedisplay_text import ROWS, TextState
from edge_agent.decoders._linedisplay_words import read

CLEAR = b"\x0c"
_FIGURE = re.compile(r"-?\d+(?:\.\d{1,3})?")
_DIGITAL = ("led8", "led8-binary", "partner")


class UnshowableError(ValueError):
    """This display cannot show that."""


@dataclass(frozen=True, slots=True)
class Command:
    """Bytes that belong together: once begun, the display takes whatever follows as part of it.

    ``head``, then ``text``, a character each, then ``end``, which may follow any character.
    """

    head: bytes
    text: tuple[bytes, ...] = ()
    end: bytes = b""

    @property
    def data(self) -> bytes:
        """The whole command."""
        return self.head + b"".join(self.text) + self.end

    def rest(self, sent: int) -> bytes:
        """Return what must still be written after ``sent`` bytes, so that the next byte begins a command."""
        if sent >= len(self.data):
            return b""
        whole = self.head
        for character in self.text:
            if len(whole) >= sent:
                break
            whole += character
        return whole[sent:] + self.end


def words(dialect: str, rows: Sequence[str], encoding: str, columns: int) -> tuple[Command, ...]:
    """Return the commands that show ``rows`` on a cleared display. Raises UnshowableError.

    A digit display shows one figure, with its lamp if a word beside it says which.
    """
    if any(not row.isprintable() for row in rows):
        raise UnshowableError("printable characters only")
    if dialect in _DIGITAL:
        return _digits(dialect, rows)
    if len(rows) > ROWS:
        raise UnshowableError(f"{ROWS} rows at most")
    lines = [_cells(row, encoding, columns) for row in rows]
    if not any(character.strip() for line in lines for character in line):
        raise UnshowableError("nothing of it is in the display's code page")
    # By cursor also on a CD5220: its string mode would lock out the register's next words.
    return (Command(CLEAR), *_at_each_row(dialect, lines))


def again(dialect: str, state: DigitsState | TextState, encoding: str, columns: int) -> tuple[Command, ...]:
    """Return the commands that bring a display to what the register left on it: content, lamp, cursor and mode."""
    if isinstance(state, DigitsState):
        return _digits_again(dialect, state)
    cursor = _cursor(dialect, min(state.x, columns - 1), state.y)
    text = ["".join(row) for row in state.rows]
    if state.scrolling:
        columns = SCROLLED
    lines = [_fitted(row, encoding, columns) for row in text]
    if state.strings or state.scrolling:
        # CAN, one of the two ways out of string mode, clears the row of the cursor.
        return (Command(CLEAR), Command(cursor), *_strings_again(state, lines))
    modes = {"overwrite": b"\x1f\x01", "up": b"\x1f\x02", "left": b"\x1f\x03"}
    mode = (b"\x1b" + bytes((modes[state.mode][1] + 0x10,))) if dialect == "cd5220" else modes[state.mode]
    overwrite = (Command(b"\x1b\x11" if dialect == "cd5220" else b"\x1f\x01"),)
    back = () if state.mode == "overwrite" else (Command(mode),)
    return (Command(CLEAR), *overwrite, *_at_each_row(dialect, lines), *back, Command(cursor))


def _digits(dialect: str, rows: Sequence[str]) -> tuple[Command, ...]:
    shown = read([row for row in rows if row.strip()])
    if len(shown) != 1:
        raise UnshowableError("a digit display shows one figure")
    label, figure = shown[0]
    if len(re.sub(r"\D", "", figure)) > DIGITS or not _FIGURE.fullmatch(figure):
        raise UnshowableError(f"{DIGITS} digits at most")
    return (Command(CLEAR), Command(_lamp(dialect, label)), _field(0x41, figure))


def _digits_again(dialect: str, state: DigitsState) -> tuple[Command, ...]:
    rows = [place for place, value in enumerate(state.values) if value and place != state.last]
    fields = [_field(0x40 + place, state.values[place]) for place in (*rows, state.last) if state.values[place]]
    return (Command(CLEAR), Command(_lamp(dialect, state.lit)), *fields)


def _lamp(dialect: str, label: str | None) -> bytes:
    place = LABELS.index(label) + 1 if label else 0
    if dialect == "led8":
        return b"\x1bs" + b"01234"[place : place + 1]
    if dialect == "led8-binary":
        return b"\x1bs" + bytes((place,))
    if place:
        return b"\x1bs" + bytes((place + 1, 1))
    return b"".join(b"\x1bs" + bytes((lamp, 0)) for lamp in range(2, 6))


def _field(row: int, figure: str) -> Command:
    return Command(b"\x1bQ" + bytes((row,)), tuple(digit.encode("ascii") for digit in figure), b"\r")


def _string(place: int, line: Sequence[bytes]) -> Command:
    return Command(b"\x1bQ" + b"AB"[place : place + 1], tuple(line), b"\r")


def _strings_again(state: TextState, lines: Sequence[Sequence[bytes]]) -> tuple[Command, ...]:
    if state.scrolling:
        lower = _at_each_row("cd5220", ([], lines[1]))
        return (*lower, Command(b"\x1bQD", tuple(lines[0][: _length(lines[0])]), b"\r"))
    return tuple(_string(place, line) for place, line in enumerate(lines) if any(map(bytes.strip, line)))


def _at_each_row(dialect: str, lines: Sequence[Sequence[bytes]]) -> tuple[Command, ...]:
    """Rows by cursor, a character a command: text may end behind any, and in the middle of none."""
    commands: list[Command] = []
    for place, line in enumerate(lines):
        end = _length(line)
        if end:
            commands += [Command(_cursor(dialect, 0, place)), *map(Command, line[:end])]
    return tuple(commands)


def _length(line: Sequence[bytes]) -> int:
    """Return how many characters there are before the trailing blanks."""
    return max((at + 1 for at, character in enumerate(line) if character.strip()), default=0)


def _cursor(dialect: str, x: int, y: int) -> bytes:
    return (b"\x1bl" if dialect == "cd5220" else b"\x1f$") + bytes((x + 1, y + 1))


def _cells(row: str, encoding: str, columns: int) -> list[bytes]:
    line = _fitted(row, encoding, columns)
    if sum(map(_width, row.rstrip())) > columns:
        raise UnshowableError(f"{columns} columns at most")
    return line


def _fitted(row: str, encoding: str, columns: int) -> list[bytes]:
    """Return the characters of a row of ``columns`` cells: what the code page has not is blank."""
    out: list[bytes] = []
    used = 0
    for character in row:
        width = _width(character)
        if used + width > columns:
            break
        out.append(_coded(character, encoding, width))
        used += width
    return out + [b" "] * (columns - used)


def _coded(character: str, encoding: str, width: int) -> bytes:
    try:
        data = character.encode(MULTIBYTE.get(encoding, encoding))
    except UnicodeEncodeError:
        return b" " * width
    long = len(data) > 2 and encoding != "utf_8"  # GB18030's four-byte characters: no display has them
    return data if data[0] >= 0x20 and data[0] != 0x7F and not long else b" " * width


def _width(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
