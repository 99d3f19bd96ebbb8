r"""Digit displays: eight LED digits and four lamps (LED8 and its kin), and four rows of digits with fixed meanings.

    1B 51 41 d… 0D      show digits (ESC Q A); 41 is the only row of most, 40..43 are the four of the LC415
    1B 73 n             lamp: led8 '0' off '1'..'4', led8-binary 00 off 01..04
    1B 73 n s           partner: lamp 01 thank you, 02..05, s = 01 on, 00 off
    02 4C d d d d       led8: four lamps, '1' lit; 02 4D: kick the drawer
    0C · 1B 40          clear · initialize
    1F 58 n · 1F 50 n   brightness · the thank-you lamp of Wintec

Lamps are, in this order: unit price, total, received, change. The LC415's rows are the same four. Sources: the register
program efuture JavaPos (HisenseVC110, VC110A, LC415, WintecCD110, PartnerCD7110, CD7111), pos4j (StandardLed,
CitaqVfd220) and GiPOS (CustomerDisplay.cpp, where the value comes before its lamp).

Registers send lamp then value, or value then lamp. Between the two the display shows a value beside the lamp of the one
before, for milliseconds: no clock here could tell. So until it is known which way round a register does it, a burst
of commands is put aside until the line is silent; its first and its last command tell. What stands there once the line
is silent is read as a customer would read it.
"""

import re
from collections.abc import Mapping

import msgspec

from edge_agent.observations import DisplayText

LABELS = ("unit_price", "total", "received", "change")
DIGITS = 8  # what the widest of these displays shows in a row
FIELD = 20  # eight digits, a point behind each, a sign: 17; padding beyond that is another display's row
ROWS = 4
_OWN_ROWS = (0, 3)  # only the LC415 has these; two-row displays have 41 and 42, and neither has a meaning of its own

NEED_MORE = 0
INVALID = -1

_FIELD = re.compile(rb"[0-9.\- ]*")
_VALUE = re.compile(r"(-?)(\d*)(?:\.(\d{0,3}))?")  # no currency has more decimals

# Lamp bytes and the label each lights; None: none of the four.
_LAMPS: Mapping[str, Mapping[int, str | None]] = {
    "led8": {0x30: None} | {0x31 + place: label for place, label in enumerate(LABELS)},
    "led8-binary": {0x00: None} | {0x01 + place: label for place, label in enumerate(LABELS)},
    "partner": {0x01: None} | {0x02 + place: label for place, label in enumerate(LABELS)},
}


class DigitsState(msgspec.Struct, array_like=True):
    """What a digit display shows, and what is known of the register's habits.

    ``order``: which comes first, ``lamp`` or ``value``, or ``rows`` where each row has its meaning; None: not known.
    ``open``: this burst began as the order says, or goes on in it. ``fresh``: the lamp was set after the last value.
    ``unsaid``: the display has changed since it was last told. ``last``: the row written last. ``lit``: the lamp that
    burns, whether or not it belongs to what is shown.
    """

    order: str | None = None
    open: bool = False
    lamp: str | None = None
    fresh: bool = False
    values: tuple[str, str, str, str] = ("", "", "", "")
    last: int = 1
    unsaid: bool = False
    lit: str | None = None


def amount_of(field: bytes) -> str | None:
    """Return a field's figure as a decimal string, empty for blanks; None: no display shows that."""
    text = field.decode("ascii").strip()
    match = _VALUE.fullmatch(text)
    if match is None or len(match[2]) + len(match[3] or "") > DIGITS:
        return None
    if not match[2] and not match[3]:
        return None if text else ""
    whole = (match[2] or "0").lstrip("0") or "0"
    return f"{match[1]}{whole}{'.' + match[3] if match[3] else ''}"


class Digits:
    """A digit display as its commands leave it. ``said``: what it has shown and is certain of."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._lamps = _LAMPS[dialect]
        self.said: list[DisplayText] = []
        self.state = DigitsState()
        # What came, in order: a lamp with its label, a lamp put off, or a figure with its row.
        self._burst: list[tuple[str, str | None, int]] = []
        self.proven = False  # a lamp, or a row of its own meaning, was understood in this burst

    # The stream's grammar.

    def measure(self, buffer: bytearray, at: int) -> int:
        """Return the length of the command at ``at``, NEED_MORE or INVALID."""
        first = buffer[at]
        if first in b"\x0c\x0a\x0d":
            return 1
        if len(buffer) - at < 2:
            return NEED_MORE if first in b"\x1b\x1f\x02" else INVALID
        head = bytes(buffer[at : at + 2])
        if head == b"\x1b@":
            return 2
        if head == b"\x1bs":
            return self._measure_lamp(buffer, at)
        if head == b"\x1bQ":
            return _measure_field(buffer, at)
        if head == b"\x1fX" or (head == b"\x1fP" and self._dialect == "led8-binary"):
            return _whole(buffer, at, 3)
        if self._dialect == "led8" and head == b"\x02L":
            lamps = buffer[at + 2 : at + 6]
            return _whole(buffer, at, 6) if all(lamp in b"01" for lamp in lamps) else INVALID
        return 2 if self._dialect == "led8" and head == b"\x02M" else INVALID

    def _measure_lamp(self, buffer: bytearray, at: int) -> int:
        if len(buffer) - at < 3:
            return NEED_MORE
        if buffer[at + 2] not in self._lamps:
            return INVALID
        if self._dialect != "partner":
            return 3
        if len(buffer) - at < 4:
            return NEED_MORE
        return 4 if buffer[at + 3] in b"\x00\x01" else INVALID

    # What the commands do.

    def apply(self, command: bytes) -> bool:
        """Take a whole command; return False if it makes no sense."""
        if command[:2] == b"\x1bQ":
            figure = amount_of(command[3:-1])
            if figure is None:
                return False
            self._value(figure, command[2] - 0x40)
        elif command[:2] == b"\x1bs":
            self._lamp_command(command)
        elif command[:2] == b"\x02L":
            lit = [label for label, on in zip(LABELS, command[2:], strict=True) if on == ord("1")]
            self._lamp(lit[0] if len(lit) == 1 else None)
        elif command == b"\x1b@":
            self.state.lit = None
            self._blank(lamp=None)
        elif command == b"\x0c":
            self._blank(lamp=self.state.lamp if self.state.fresh else None)
        return True

    def _lamp_command(self, command: bytes) -> None:
        label = self._lamps[command[2]]
        if self._dialect != "partner" or command[3]:
            self._lamp(label)
        elif label is not None and self.state.lit == label:
            self._lamp(None)

    def _lamp(self, label: str | None) -> None:
        state = self.state
        state.lit = label
        if label is None:  # off: belongs to no value
            state.lamp = None
            if self._burst:
                self._put_aside("off", None, 0)
            return
        self.proven = True
        self._begin("lamp")
        if state.open and state.order == "value":
            self._pair(label)
        self._put_aside("lamp", label, 0)
        state.lamp, state.fresh = label, True
        if not state.open and state.order != "lamp":  # otherwise it is the next value's
            state.unsaid = True

    def _pair(self, label: str) -> None:
        """A lamp behind its value."""
        if self.state.unsaid:
            self.state.lamp = label
            self._say(label)

    def _value(self, figure: str, row: int) -> None:
        state = self.state
        if row in _OWN_ROWS:
            self.proven = True
        self._begin("value")
        if state.open and state.order == "value" and state.unsaid:
            self._say(state.lamp)  # the lamp it has is the one before
        values = list(state.values)
        values[row] = figure
        state.values, state.last, state.unsaid = (values[0], values[1], values[2], values[3]), row, True
        self._put_aside("value", figure, row)
        if state.open and state.order != "value":
            self._say(LABELS[row] if state.order == "rows" else state.lamp)
        state.fresh = False

    def _put_aside(self, kind: str, what: str | None, row: int) -> None:
        if not self.state.open:
            self._burst.append((kind, what, row))

    def _blank(self, *, lamp: str | None) -> None:
        state = self.state
        if state.open and state.order == "value" and state.unsaid and state.values[state.last]:
            self._say(state.lamp)
        if self._burst and not state.fresh:
            self._put_aside("off", None, 0)
        state.values, state.lamp = ("", "", "", ""), lamp
        state.unsaid = True

    def _begin(self, kind: str) -> None:
        """Note how a burst begins: as this register is known to begin, or not."""
        state = self.state
        if not self._burst and not state.open:
            state.open = state.order == kind or (state.order == "rows" and kind == "value")
            if state.open and kind == "value":
                state.unsaid = False

    def _say(self, label: str | None) -> None:
        state = self.state
        figure = state.values[state.last]
        self.said.append(DisplayText(self._rows(), label if figure else None, figure or None))
        state.unsaid = False

    def _rows(self) -> tuple[str, ...]:
        return tuple(value for value in self.state.values if value)

    # Deciding.

    away = False

    @property
    def undecided(self) -> bool:
        """Whether something was shown whose label the next command may tell."""
        return bool(self._burst) or (self.state.open and self.state.order == "value" and self.state.unsaid)

    def settle(self, *, silent: bool) -> None:
        """Decide what is undecided. ``silent``: the line is; otherwise there is no more room to wait."""
        state = self.state
        if self._burst:
            self._learn(silent)
            self._replay(silent)
        if silent and state.unsaid:
            self._say(LABELS[state.last] if state.order == "rows" else state.lamp)
        # A register that never pauses is not beginning anew: what follows goes on in the order that is known.
        state.open = not silent and state.order is not None
        self._burst = []

    def _learn(self, silent: bool) -> None:
        events = [event for event in self._burst if event[0] != "off"]
        if not events:
            return
        while len(events) > 1 and events[0][0] == "value" and not (events[0][1] or "").strip("0."):
            events = events[1:]  # zero on a display just switched on says nothing about order
        first, last = events[0][0], events[-1][0]
        if any(kind == "value" and row in _OWN_ROWS for kind, _, row in events):
            self.state.order = "rows"
        elif first != last or (not silent and len({kind for kind, _, _ in events}) > 1):
            self.state.order = first

    def _replay(self, silent: bool) -> None:
        """Tell the values of the burst, each with the lamp that belongs to it; the last one is told by silence."""
        events, order = self._burst, self.state.order
        end = max((place for place, event in enumerate(events) if event[0] == "value"), default=-1)
        lamp: str | None = None
        for place, (kind, text, row) in enumerate(events):
            if kind != "value":
                lamp = text
                continue
            waits = place == end and (silent or order not in ("lamp", "rows"))
            if not text or waits:
                continue
            follower = events[place + 1] if place != end else ("", None, 0)
            behind = follower[1] if follower[0] == "lamp" else lamp
            label = {"lamp": lamp, "value": behind, "rows": LABELS[row]}.get(order or "")
            self.said.append(DisplayText((text,), label, text))
            if place == end:
                self.state.unsaid = False

    def restore(self, state: object) -> None:
        """Go on from what another left. Raises ValueError if that is no state of such a display."""
        if not isinstance(state, DigitsState) or not 0 <= state.last < ROWS:
            raise ValueError("no state of a digit display")
        self.state = state

    def forget(self) -> None:
        """Know nothing any more of what is shown: bytes were lost or made no sense."""
        self.state = DigitsState(order=self.state.order)
        self._burst = []
        self.said = []


def _whole(buffer: bytearray, at: int, length: int) -> int:
    return length if len(buffer) - at >= length else NEED_MORE


def _measure_field(buffer: bytearray, at: int) -> int:
    """``ESC Q row digits CR``."""
    if len(buffer) - at < 3:
        return NEED_MORE
    if not 0x40 <= buffer[at + 2] <= 0x43:
        return INVALID
    match = _FIELD.match(buffer, at + 3, at + 3 + FIELD + 1)
    end = match.end() if match else at + 3
    if end - at - 3 > FIELD:
        return INVALID
    if end == len(buffer):
        return NEED_MORE
    return end + 1 - at if buffer[end] == 0x0D else INVALID
