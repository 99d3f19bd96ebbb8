r"""Text displays: two rows of characters, driven by CD5220 or by Epson commands.

CD5220 (Partner Tech CD5220 user's manual, tables 6-1; Epson P07303 user manual, 7.2; POS-X XP8200 manual, 4.1.8):

    1B 51 41/42 text 0D     upper/lower row; then only these, CLR and CAN are obeyed ("string mode")
    1B 51 43/44 text 0D     the upper row scrolls
    1B 5B A..D H L R K · 1B 6C x y     cursor; 1B 11/12/13: overwrite, scroll up, scroll left
    1B 73 01                store the user's characters in the EEPROM: only behind 1B 26, which defines some

Epson (DM-D110 specification; XP8200 manual, 4.1.2; Tysso VFD-450 manual, mode 1):

    1F 24 x y               cursor; 0B home, 0C clear, 18 clear the row, 08 09 0A 0D 1F0A 1F0D 1F42 moves
    1F 01/02/03             overwrite, scroll up, scroll left

Both: 1B 40 initialize, 1B 3D n to whom the bytes go, 1B 74 n code page, and text.
"""

import unicodedata

import msgspec

from edge_agent.decoders._escpos_text import CODE_TABLES, MULTIBYTE
from edge_agent.decoders._linedisplay_commands import (
    COMMANDS,
    INVALID,
    LEADS,
    MODES,
    NEED_MORE,
    OPAQUE,
    PLACES,
    SCROLLED,
    measure_character,
    measure_to_whom,
)
from edge_agent.decoders._linedisplay_words import read
from edge_agent.observations import DisplayText

ROWS = 2


class TextState(msgspec.Struct, array_like=True):
    """What a text display shows and how it takes what comes.

    ``rows``: one string a cell; the cell behind a wide character is empty. ``mode``: overwrite, up or left.
    ``strings``: string mode. ``table``: chosen by ``ESC t``. ``away``: the bytes go to the printer. ``opaque``:
    windows, macros or a clock show what cannot be followed. ``drawn``: characters were defined. ``unsaid``: the
    screen has changed since it was last told.
    """

    rows: list[list[str]]
    x: int = 0
    y: int = 0
    mode: str = "overwrite"
    strings: bool = False
    scrolling: bool = False
    table: int | None = None
    away: bool = False
    opaque: bool = False
    drawn: bool = False
    unsaid: bool = False


class Text:
    """A text display as its commands leave it. ``said``: the screens that were complete."""

    undecided = False

    def __init__(self, dialect: str, encoding: str, columns: int) -> None:
        self._commands = COMMANDS[dialect]
        self._encoding = encoding
        self._columns = columns
        self.said: list[DisplayText] = []
        self.proven = False
        self.state = self._fresh()

    def _fresh(self) -> TextState:
        return TextState([[" "] * self._columns for _ in range(ROWS)])

    # The stream's grammar.

    def measure(self, buffer: bytearray, at: int) -> int:
        """Return the length of the command or character at ``at``, NEED_MORE or INVALID."""
        if self.state.away:
            return measure_to_whom(buffer, at) if buffer[at] == 0x1B else 1
        first = buffer[at]
        if first >= 0x20 and first != 0x7F:
            return measure_character(buffer, at, self._encoding)
        known = self._commands.get(bytes((first,)))
        if known is None:
            if first not in LEADS:
                return INVALID
            if len(buffer) - at < 2:
                return NEED_MORE
            known = self._commands.get(bytes(buffer[at : at + 2]), INVALID)
        if isinstance(known, int):
            return known if len(buffer) - at >= known else NEED_MORE
        return known(buffer, at)

    # What the commands do.

    def apply(self, command: bytes) -> bool:
        """Take a whole command or character; return False if it makes no sense."""
        state = self.state
        if command[0] >= 0x20:
            return self._put(command)
        if command[:2] == b"\x1bQ":
            return self._string(command)
        if state.scrolling and command not in (b"\x0c", b"\x18", b"\x1b@"):
            self._stop_scrolling()
        if command in (b"\x0c", b"\x18", b"\x1b@"):
            self._clear(command)
        elif command[:2] == b"\x1b=":
            self._tell()
            state.away = not command[2] & 2
        elif not state.strings:
            place = PLACES.get(command[: 3 if command[:2] == b"\x1b[" else 2])
            return self._move(place, command) if place else self._set(command)
        return True

    def _put(self, data: bytes) -> bool:
        try:
            character = data.decode(self._codec(len(data)))
        except (UnicodeDecodeError, LookupError):
            return False
        state = self.state
        if state.strings or not character.isprintable():
            return False  # a display in string mode would not show it: somebody else is writing
        cells = _cells(character)
        if state.x + cells > self._columns and not self._wrap():
            return False
        row = state.rows[state.y]
        row[state.x : state.x + cells] = [character, *[""] * (cells - 1)]
        state.x += cells
        state.unsaid = True
        self.proven |= character.isalpha()
        if state.x >= self._columns and state.mode == "overwrite":
            if state.y == ROWS - 1:
                self._tell()
            state.x, state.y = 0, (state.y + 1) % ROWS
        return True

    def _wrap(self) -> bool:
        state = self.state
        if state.mode == "left":
            row = state.rows[state.y]
            del row[0]
            row.append(" ")
            state.x -= 1
            return state.x + 1 <= self._columns
        if state.y == ROWS - 1 and state.mode == "up":
            state.rows = [*state.rows[1:], [" "] * self._columns]
        else:
            state.y = (state.y + 1) % ROWS
        state.x = 0
        return True

    def _string(self, command: bytes) -> bool:
        try:
            text = command[3:-1].decode(self._codec(2))
        except (UnicodeDecodeError, LookupError):
            return False
        width = sum(map(_cells, text))
        scrolls = command[2] in b"CD"
        if not text.isprintable() or width > (SCROLLED if scrolls else self._columns):
            return False
        state = self.state
        state.strings, state.scrolling = not scrolls, scrolls
        state.unsaid = True
        self.proven |= any(character.isalpha() for character in text)
        row = [cell for character in text for cell in (character, *[""] * (_cells(character) - 1))]
        row += [" "] * (self._columns - len(row))
        state.rows[command[2] == ord("B")] = row
        if command[2] == ord("B"):
            self._tell()
        return True

    def _clear(self, command: bytes) -> None:
        state = self.state
        self._tell_if_whole()
        state.strings = state.scrolling = False
        if command == b"\x18":
            state.rows[state.y], state.x = [" "] * self._columns, 0
        elif command == b"\x0c":
            state.rows, state.x, state.y, state.opaque = self._fresh().rows, 0, 0, False
        else:
            self.state = self._fresh()
        self.state.unsaid = True

    def _stop_scrolling(self) -> None:
        state = self.state
        state.scrolling = False
        state.rows[0], state.x, state.y, state.unsaid = [" "] * self._columns, 0, 0, True

    def _move(self, what: str, command: bytes) -> bool:
        state, last = self.state, self._columns - 1
        if what == "to":
            x, y = command[2] - 1, command[3] - 1
            if not (0 <= x <= last and 0 <= y < ROWS):
                return False
            if (x, y) == (0, 0):
                self._tell_if_whole()
            state.x, state.y = x, y
        elif what == "home":
            self._tell_if_whole()
            state.x = state.y = 0
        elif what == "down" and state.mode == "up" and state.y == ROWS - 1:
            self._tell_if_whole()
            state.rows, state.unsaid = [*state.rows[1:], [" "] * self._columns], True
        else:
            moves = {
                "back": (max(0, state.x - 1), state.y), "on": (min(last, state.x + 1), state.y), "first": (0, state.y),
                "last": (last, state.y), "up": (state.x, (state.y - 1) % ROWS), "down": (state.x, (state.y + 1) % ROWS),
                "bottom": (last, ROWS - 1),
            }  # fmt: skip
            state.x, state.y = moves[what]
        return True

    def _set(self, command: bytes) -> bool:
        state = self.state
        if command[:2] in MODES:
            state.mode = MODES[command[:2]]
        elif command[:2] == b"\x1bt":
            state.table = command[2]
        elif command[:2] == b"\x1b&":
            state.drawn = True
        elif command[:2] == b"\x1bs":
            return state.drawn
        elif command[:2] in OPAQUE:
            state.opaque = True
        return True

    def _codec(self, length: int) -> str:
        if self._encoding in MULTIBYTE:
            return MULTIBYTE[self._encoding]
        if self._encoding == "utf_8" or self.state.table is None:
            return self._encoding
        return CODE_TABLES.get(self.state.table, self._encoding if length else "ascii")

    @property
    def away(self) -> bool:
        """Whether the bytes go to the printer; only ``ESC =`` is for the display then."""
        return self.state.away

    # Saying.

    def _tell(self) -> None:
        state = self.state
        if not state.unsaid:
            return
        state.unsaid = False
        rows = tuple("".join(row).rstrip() for row in state.rows)
        while rows and not rows[-1]:
            rows = rows[:-1]
        readable = () if state.opaque else rows if not state.scrolling else rows[1:]
        pairs: list[tuple[str | None, str | None]] = [*read(readable)]
        self.said += [DisplayText(rows, label, figure) for label, figure in pairs or [(None, None)]]

    def _tell_if_whole(self) -> None:
        """Tell a screen that is being replaced, if each figure on it ends as an amount does: none was cut short."""
        pairs = [] if self.state.opaque else read(["".join(row).rstrip() for row in self.state.rows])
        if self.state.unsaid and pairs and all(label and figure[-3:-2] == "." for label, figure in pairs):
            self._tell()

    def settle(self, *, silent: bool) -> None:
        """Tell the screen as it stands, once the line is silent."""
        if silent:
            self._tell()

    def restore(self, state: object) -> None:
        """Go on from what another left. Raises ValueError if that is no screen of this size."""
        sound = isinstance(state, TextState) and len(state.rows) == ROWS and 0 <= state.y < ROWS
        if not sound or not isinstance(state, TextState) or not 0 <= state.x <= self._columns:
            raise ValueError("no state of a text display")
        widest = max(map(len, state.rows))
        if any(len(row) < self._columns for row in state.rows) or (widest > self._columns and not state.scrolling):
            raise ValueError("another display's rows")
        self.state = state

    def forget(self) -> None:
        """Know nothing any more of what is shown: bytes were lost or made no sense."""
        table, away = self.state.table, self.state.away
        self.state = self._fresh()
        self.state.table, self.state.away = table, away
        self.said = []


def _cells(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
