r"""Scale: what a scale tells the register, read while it passes by → ``Weight``. The agent never asks and never writes.

``toledo-8217`` (asked by the register with ``W``, which may stand on the tapped line too)::

    02 [blanks] w.www [N] 0D         at rest; N: net weight
    02 [blanks] 3F s 0D              no weight to give; s: 60-7F, bit 0 motion, 1 over capacity, 2 under zero,
                                     3 no initial zero, 4 centre of zero

``toledo-continuous`` (sent 10 to 30 times a second)::

    02 A B C wwwwww tttttt 0D [k]    weight and tare: six digits, leading blanks, no point
    A  001iippp                      ppp decimal places: 0 ×100, 1 ×10, 2 none, 3 one … 7 five; ii increment
    B  .urmosn: bit 0 net, 1 negative, 2 out of range, 3 motion, 4 kg (else lb), 6 not zeroed since power on
    C  001....                       bits 0-2: 0 as B says, 1 g, 3 oz; the others are no units of a shop
    k                                two's complement of the sum of the low seven bits of all before it

``cas`` (22 bytes)::

    ST|US|OL , GS|NT , i l , dddddddd blank uu 0D 0A
    at rest, unstable, overload; gross, net; device id, lamps; weight with its point and sign; unit

Sources: the 8217 status byte, Rice Lake "BenchPro Series" operation manual (PN 180557), and Mettler-Toledo "Viva" as
Odoo's driver reads it; the continuous format, Kern FTC manual 5.2, Rockwell's Toledo interface module appendix D,
Wildcat user's manual tables 6-9 to 6-11; CAS, manuals of CI-600D and NT-200, "CAS 22 bytes".

What is said: a weight at rest that differs from what was said last, and of a load that moves only its beginning (one
``stable=False``). So the frames of a scale at rest are said once, and the same weight put on again is said again. A
scale that has no weight to give (over or under its range, not zeroed) says nothing, and what follows counts as new.

Undecoded reasons: ``noise``, ``checksum``, ``unit`` (tonnes and jewellers' weights), ``unfinished``. CAS and the 8217
have no check sum: there a digit that became another digit is not noticed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from edge_agent.decoders._frames import INVALID, NEED_MORE, Frames, Measure, Piece, memo
from edge_agent.fields import Settings as BaseSettings
from edge_agent.observations import Decoded, Undecoded, Weight

Protocol = Literal["toledo-8217", "toledo-continuous", "cas"]
Unit = Literal["kg", "g", "lb", "oz"]


class Settings(BaseSettings):
    """The keys ``scale`` adds to a device.

    ``unit``: what a ``toledo-8217`` is set to weigh in: its replies do not say. ``checksum``: whether the frames of
    ``toledo-continuous`` end in one, as the scale is set.
    """

    protocol: Protocol
    unit: Unit | None = Field(default=None, validate_default=True)
    checksum: bool = True

    @field_validator("unit")
    @classmethod
    def _is_known(cls, unit: Unit | None, info: ValidationInfo) -> Unit | None:
        if unit is None and info.data.get("protocol") == "toledo-8217":
            raise ValueError("is required: the replies of a toledo-8217 do not say their unit")
        return unit


@dataclass(frozen=True, slots=True)
class _Form:
    """How a protocol's frames look. ``start``: their first byte; ``begun``: one that is not all there yet.

    ``read``: what a frame says: a weight, None where it has none to give, or the reason why it says nothing.
    ``asks``: what the register sends between the frames.
    """

    start: re.Pattern[bytes]
    frame: re.Pattern[bytes]
    begun: re.Pattern[bytes]
    read: Callable[[re.Match[bytes], Settings], Weight | str | None]
    asks: re.Pattern[bytes]


class Decoder:
    """See ``edge_agent.decoders.Decoder`` for the contract of the methods."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._form = _form(settings)
        self._frames = Frames(self._form.start, _measure(self._form, settings))
        self._said: Weight | None = None
        self._last = b""  # the frame that made what was said last

    def feed(self, data: bytes) -> list[Decoded]:
        """Take bytes as they arrive, cut anywhere; return the weights worth telling."""
        return self._observed(self._frames.feed(data))

    def idle(self) -> list[Decoded]:
        """Give back half a frame."""
        return self._observed(self._frames.idle())

    def unfinished(self) -> bytes:
        """Return ``modes()`` and the bytes of the frame under way."""
        return self.modes() + self._frames.unfinished()

    @property
    def consumed(self) -> int:
        """Count the bytes of all frames, and of what was none."""
        return self._frames.consumed

    def modes(self) -> bytes:
        """Return the frame that was said last, as one that was said already."""
        return memo(self._last) if self._last else b""

    def _observed(self, pieces: list[Piece]) -> list[Decoded]:
        out: list[Decoded] = []
        for piece in pieces:
            if piece.reason in (None, "memo"):
                said = self._weighed(piece.data)
                out += [said] if said is not None and piece.reason is None else []
            elif not self._form.asks.fullmatch(piece.data):
                out.append(Undecoded(piece.data, str(piece.reason)))
        return out

    def _weighed(self, frame: bytes) -> Weight | None:
        """Return the weight of a frame if it is worth telling, and remember it."""
        match = self._form.frame.fullmatch(frame)
        weight = self._form.read(match, self._settings) if match else ""
        if isinstance(weight, str):
            return None  # a memo that is none
        before = self._said
        if weight == before or (weight is not None and before is not None and not (weight.stable or before.stable)):
            return None
        self._said, self._last = weight, frame
        return weight


def _form(settings: Settings) -> _Form:
    if settings.protocol == "toledo-continuous" and not settings.checksum:
        return _UNSUMMED
    return _FORMS[settings.protocol]


def _measure(form: _Form, settings: Settings) -> Measure:
    def measure(buffer: bytearray, at: int) -> tuple[int, str | None]:
        match = form.frame.match(buffer, at)
        if match is None:
            return NEED_MORE if form.begun.fullmatch(buffer, at) else INVALID, None
        found = form.read(match, settings)
        return len(match[0]), found if isinstance(found, str) else None

    return measure


def _weight(value: Decimal, unit: str, *, stable: bool) -> Weight:
    return Weight(format(value or abs(value), "f"), unit, stable)  # no scale shows minus zero


def _read_8217(match: re.Match[bytes], settings: Settings) -> Weight | None:
    return _weight(Decimal(match[1].decode()), settings.unit or "", stable=True) if match[1] else None


_8217 = _Form(
    re.compile(rb"\x02"),
    re.compile(rb"\x02 {0,4}(?:(\d{1,6}\.?\d{0,5}|\.\d{1,5})N?|\?[\x60-\x7f])\r"),
    re.compile(rb"\x02 {0,4}(?:\d{0,6}\.?\d{0,5}N?|\?[\x60-\x7f]?)"),
    _read_8217,
    re.compile(rb"[WZTCHAB\x05\r\n]*"),
)

_PLACES = (2, 1, 0, -1, -2, -3, -4, -5)  # of the last digit, by the low bits of status word A
_UNITS = {1: "g", 3: "oz"}  # by the low bits of status word C; 0: what B says
_DIGITS = re.compile(rb" *\d+| {6}")


def _read_continuous(match: re.Match[bytes], settings: Settings) -> Weight | str | None:
    a, b, c = match[1]
    if settings.checksum and sum(byte & 0x7F for byte in match[0]) & 0x7F:
        return "checksum"
    if not _DIGITS.fullmatch(match[2]):
        return "noise"
    unit = _UNITS.get(c & 7) if c & 7 else ("kg" if b & 0x10 else "lb")
    if unit is None:
        return "unit"
    if b & 0x44 or match[2].isspace():  # out of range, not zeroed, a blank display
        return None
    value = Decimal(match[2].decode()).scaleb(_PLACES[a & 7])
    return _weight(-value if b & 2 else value, unit, stable=not b & 8)


# A reply is STX, three status words, twelve cells, CR; its form leaves little to chance even without a check sum.
_CONTINUOUS = rb"\x02([\x28-\x3f][\x20-\x7f][\x20-\x3f])([ \d]{6})[ \d]{6}\r"
_BEGUN = rb"\x02[\x28-\x3f]?(?:(?<!\x02)[\x20-\x7f](?:[\x20-\x3f](?:[ \d]{0,12}|[ \d]{12}\r))?)?"
_UNSUMMED = _Form(
    re.compile(rb"\x02"),
    re.compile(_CONTINUOUS),
    re.compile(_BEGUN),
    _read_continuous,
    re.compile(rb"[PTZC\r\n]*"),
)
_SUMMED = replace(_UNSUMMED, frame=re.compile(_CONTINUOUS + rb"[\x00-\x7f]"))

_CAS_FIGURE = re.compile(rb" *([+-]?) *(\d+(?:\.\d+)?)")


def _read_cas(match: re.Match[bytes], _settings: Settings) -> Weight | str | None:
    if match[1] == b"OL":
        return None
    figure = _CAS_FIGURE.fullmatch(match[2])
    if figure is None:
        return "noise"
    return _weight(Decimal((figure[1] + figure[2]).decode()), match[3].decode().strip(), stable=match[1] == b"ST")


_CAS = _Form(
    re.compile(rb"ST|US|OL|[SUO]\Z"),
    re.compile(rb"(ST|US|OL),(?:GS|NT),[\x20-\xff]{2},([\x20-\x7e]{8}) (kg| g|g |lb|oz)\r\n"),
    re.compile(rb"(?:S|ST|U|US|O|OL|(?:ST|US|OL),[\x20-\xff]{0,17}\r?)"),
    _read_cas,
    re.compile(rb"[\x05\x06\x15\r\n]*"),
)

_FORMS = {"toledo-8217": _8217, "toledo-continuous": _SUMMED, "cas": _CAS}
