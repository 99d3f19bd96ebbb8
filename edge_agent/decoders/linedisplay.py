r"""Line displays: what the customer sees while a sale is rung up → ``DisplayText``.

The dialect is configured, never guessed: the same bytes label another figure in another dialect. What each says is in
``_linedisplay_digits`` (``led8`` ``led8-binary`` ``partner``) and ``_linedisplay_text`` (``cd5220`` ``epson``);
``_linedisplay_words`` finds figures and their labels in text.

A burst is what comes between two silences. One that holds a byte the dialect has no use for is implausible: the
register speaks another dialect, two transmitters share the line, or there is noise. Then none of its figures is told;
its bytes come back as ``Undecoded``, reason ``implausible`` (``noise`` where no digit is among them). Until a whole
burst has been understood that only this dialect can say (a lamp, words), nothing is told before the line is silent;
from then on, at once.

    Undecoded reasons: implausible · noise · printer (ESC = sent it past the display)
"""

import re
from datetime import timedelta
from typing import Literal

import msgspec
from pydantic import Field

from edge_agent.decoders._linedisplay_digits import Digits, DigitsState
from edge_agent.decoders._linedisplay_text import Text, TextState
from edge_agent.fields import Duration
from edge_agent.fields import Settings as BaseSettings
from edge_agent.observations import Decoded, Undecoded

NEED_MORE = 0

# The longest honest burst between silences that must be kept: four screens of two rows with their commands, 60 bytes
# each, or twenty lamps and values.
HOLD = 256
# The longest command, the definition of 95 characters of 5 columns; the longest that shows anything has 84 bytes.
MAX_COMMAND = 1024

# Made up for ``modes``, never sent by a register: a marker, four hexadecimal digits of length, the state as JSON.
_STATE = b"\x00\x1b\x00\x1f\x00state"

_DIGIT = re.compile(rb"[0-9]")

_Encoding = Literal[
    "gb18030", "gbk", "gb2312", "big5", "shift_jis", "euc_jp", "euc_kr", "utf_8", "cp437", "cp850", "cp858", "cp866",
    "cp1250", "cp1251", "cp1252", "iso8859_1", "iso8859_15",
]  # fmt: skip


class Settings(BaseSettings):
    """The keys ``linedisplay`` adds to a device. ``encoding`` and ``columns``: of text, in ``cd5220`` and ``epson``.

    ``pace``: from byte to byte where the agent drives the display; some need 15 to 100 ms.
    """

    dialect: Literal["led8", "led8-binary", "partner", "cd5220", "epson"]
    encoding: _Encoding = "gb18030"
    columns: int = Field(default=20, ge=8, le=40)
    pace: Duration = Field(default=timedelta(milliseconds=20), ge=timedelta(0), le=timedelta(milliseconds=500))


class State(msgspec.Struct, array_like=True):
    """What outlives a burst. ``trusted``: the dialect has proved itself. ``doubted``: not since the last doubt."""

    trusted: bool = False
    doubted: bool = False
    digits: DigitsState | None = None
    text: TextState | None = None


class Decoder:
    """See ``edge_agent.decoders.Decoder`` for the contract of the methods."""

    def __init__(self, settings: Settings) -> None:
        self._buffer = bytearray()
        self._pos = 0  # everything before it has been taken as commands
        self._restoring = True  # nothing but the beginning of ``modes`` has come
        self._printer = 0  # how many of the bytes before _pos, the last ones, went to the printer
        self._dirty = False
        self._consumed = 0
        self._trusted = self._doubted = False
        self._screen: Digits | Text
        if settings.dialect in ("cd5220", "epson"):
            self._screen = Text(settings.dialect, settings.encoding, settings.columns)
        else:
            self._screen = Digits(settings.dialect)
        self._initial = self._kept = self._encoded()

    def feed(self, data: bytes) -> list[Decoded]:
        """Take bytes as they arrive, cut anywhere; return what is shown for certain."""
        self._buffer += data
        out: list[Decoded] = []
        if self._restoring and not self._restored():
            return out
        while self._pos < len(self._buffer):
            length = self._screen.measure(self._buffer, self._pos)
            if length == NEED_MORE:
                if len(self._buffer) - self._pos <= MAX_COMMAND:
                    break
                length = -1
            self._take(length, out)
            if self._pos >= HOLD:
                self._judge(out, silent=False)
        return out

    def idle(self) -> list[Decoded]:
        """Take what stands on the display for what it shows."""
        out: list[Decoded] = []
        self._restoring = False
        out += self.feed(b"")
        rest = len(self._buffer) - self._pos
        if self._screen.away:
            self._printer += rest
        elif rest:
            self._dirty = True
        self._pos += rest
        self._judge(out, silent=True)
        return out

    def unfinished(self) -> bytes:
        """Return ``modes()`` and the bytes of the burst under way."""
        return self.modes() + bytes(self._buffer)

    @property
    def consumed(self) -> int:
        """Count the bytes whose meaning has been told."""
        return self._consumed

    def modes(self) -> bytes:
        """Return what is on the display, what is known of the register, and whether it is trusted."""
        if self._kept == self._initial:
            return b""
        return _STATE + b"%04x" % len(self._kept) + self._kept

    @property
    def between_commands(self) -> bool:
        """Whether every command that began has ended."""
        return self._pos == len(self._buffer)

    @property
    def doubtful(self) -> bool:
        """Whether what comes is not this dialect, as far as one can tell."""
        return self._dirty or self._doubted

    @property
    def screen(self) -> Digits | Text:
        """The display as all commands so far leave it."""
        return self._screen

    # A burst's life.

    def _take(self, length: int, out: list[Decoded]) -> None:
        """Take the next command, or one byte that is none."""
        command = bytes(self._buffer[self._pos : self._pos + max(length, 1)])
        if self._screen.away:
            if command[:2] != b"\x1b=" or len(command) != 3:
                self._pos += 1
                self._printer += 1
                return
            self._past(out)
        self._pos += len(command)
        if length < 0 or not self._screen.apply(command):
            self._dirty = True
        elif self._screen.away:
            self._judge(out, silent=False)
        elif self._trusted and not self._dirty and self._screen.said and not self._screen.undecided:
            out += self._screen.said
            self._keep()

    def _past(self, out: list[Decoded]) -> None:
        """Give back what went to the printer."""
        if self._printer:
            out.append(Undecoded(bytes(self._buffer[self._pos - self._printer : self._pos]), "printer"))
            self._printer = 0
            self._keep()

    def _judge(self, out: list[Decoded], *, silent: bool) -> None:
        """Decide what the burst is worth. ``silent``: it has ended; otherwise there is no more room for it."""
        screen = self._screen
        self._past(out)
        if not self._dirty:
            screen.settle(silent=silent)
        figures = any(shown.amount for shown in screen.said)
        if self._dirty or (figures and self._doubted and not screen.proven):
            burst = bytes(self._buffer[: self._pos])
            if burst:
                out.append(Undecoded(burst, "implausible" if _DIGIT.search(burst) else "noise"))
            screen.forget()
            self._trusted, self._doubted = False, True
        else:
            out += screen.said
            if screen.proven:
                self._trusted, self._doubted = True, False
        self._dirty = screen.proven = False
        self._keep()

    def _keep(self) -> None:
        """Be done with everything taken so far."""
        self._screen.said = []
        del self._buffer[: self._pos]
        self._consumed += self._pos
        self._pos = 0
        self._kept = self._encoded()

    # What outlives it.

    def _encoded(self) -> bytes:
        state = self._screen.state
        digits, text = (state, None) if isinstance(state, DigitsState) else (None, state)
        return msgspec.json.encode(State(self._trusted, self._doubted, digits, text))

    def _restored(self) -> bool:
        """Take the state a decoder before this one left; return False while more of it must come."""
        head = len(_STATE) + 4
        if not _STATE.startswith(self._buffer[: len(_STATE)]) and not self._buffer.startswith(_STATE):
            self._restoring = False
            return True
        if len(self._buffer) < head:
            return False
        try:
            end = head + int(self._buffer[len(_STATE) : head], 16)
            if len(self._buffer) < end:
                return False
            self._restore(msgspec.json.decode(self._buffer[head:end], type=State))
            self._pos = end
            self._keep()
        except (ValueError, msgspec.MsgspecError):
            pass  # none of ours: it is read as what the register sent
        self._restoring = False
        return True

    def _restore(self, state: State) -> None:
        found = state.digits if isinstance(self._screen, Digits) else state.text
        if found is None:
            raise ValueError("another dialect's state")
        self._screen.restore(found)
        self._trusted, self._doubted = state.trusted, state.doubted
