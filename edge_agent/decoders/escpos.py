"""ESC/POS: what registers send to receipt printers (Epson's language and its many dialects) → ``Receipt``.

    text bytes | LF | HT …                   printed at the cursor, in the code page in force
    1B c [parameters] · 1C … · 1D … · 10 …   commands, measured by ``_escpos_commands``
    1D 56 m [n] · 1B 69 · 1B 6D              cut: the receipt ends here

The decoder keeps the bytes of the receipt under way and nothing older. A receipt starts with the first thing that is
printed (or read as noise) and ends with a cut, with silence (``idle``) or at a limit; commands between receipts only
change modes. What a receipt holds is decided at the receipt's end, so nothing it says depends on how the stream was cut
into ``feed`` calls.

``Receipt.raw`` is what a capture needs: the modes the receipt started with, then its bytes, with each picture replaced
by an empty one. Fed to a fresh decoder with the same settings it gives the same text again.

Undecoded reasons: ``noise`` (control bytes that are no command), ``encoding`` (text bytes the code page does not know;
they also stand as U+FFFD in the receipt), ``unfinished`` (a command that silence cut short), ``display`` (text for the
customer display on the same line). They follow the receipt they came with, one observation a reason.
"""

from collections.abc import Callable
from typing import Literal

from edge_agent.decoders import _escpos_symbols as symbols
from edge_agent.decoders._escpos_commands import COMMANDS, INVALID, NEED_MORE, PADDING, patterns
from edge_agent.decoders._escpos_doubts import LEAST_RECEIPT, Doubts, swallows_text
from edge_agent.decoders._escpos_modes import MODE_COMMANDS, Modes
from edge_agent.decoders._escpos_others import STAR_LEADS, display_end, is_star, language_end
from edge_agent.decoders._escpos_slip import EMPTY_PICTURE, Slip
from edge_agent.fields import Settings as BaseSettings
from edge_agent.observations import Decoded

# A text receipt of 256 KiB (``MAX_TEXT``) and its pictures, 512 KiB at most each.
MAX_RECEIPT = 1024 * 1024
# Noise belongs to no receipt for ever: 64 KiB is a minute at 9600 baud.
MAX_NOISE = 64 * 1024

# Commands cut short that are taken for noise for the sake of the text they claim; each costs a look at all of it.
MAX_RETRIES = 32

# A driver has a few dozen styles, each set by a few commands before a run of text.
MAX_SETTLED = 256
MAX_SETTLED_RUN = 64

Encoding = Literal[
    "gb18030", "gbk", "gb2312", "big5", "shift_jis", "cp932", "euc_jp", "euc_kr", "utf_8",
    "cp437", "cp720", "cp737", "cp775", "cp850", "cp852", "cp855", "cp857", "cp858", "cp860", "cp861", "cp862", "cp863",
    "cp864", "cp865", "cp866", "cp869", "cp874", "cp1125", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255",
    "cp1256", "cp1257", "cp1258", "iso8859_1", "iso8859_2", "iso8859_7", "iso8859_15",
]  # fmt: skip


class Settings(BaseSettings):
    """The keys ``escpos`` adds to a device: the printer's start-up code page and the receipt templates to try."""

    encoding: Encoding = "gb18030"
    templates: tuple[str, ...] | None = None


# Commands that print or place something: with them a receipt begins. (Pictures being defined print nothing.)
_OPENING = frozenset(
    (b"\x1b$", b"\x1b\\", b"\x1b*", b"\x1bZ", b"\x1cp", b"\x1d/", b"\x1d8", b"\x1dQ", b"\x1dk", b"\x1dv")
)
_CUTS = (b"\x1bi", b"\x1bm", b"\x1dV")
# Feeds end the line under way; so do vertical moves in page mode.
_FEEDS = (b"\x1bd", b"\x1bJ", b"\x1be", b"\x1bK", b"\x1b\x0c", b"\x1d\x0c", b"\x1d$", b"\x1d\\")
_PRINTS_PICTURE = (b"\x1b*", b"\x1cp", b"\x1d/", b"\x1dQ", b"\x1dv")
_DEFINES_PICTURE = (b"\x1cq", b"\x1d*", b"\x1dD")
_PRINT_GRAPHICS = (2, 50, 69, 85)  # functions of GS ( L that print what was stored; the others store it


class Decoder:
    """See ``edge_agent.decoders.Decoder`` for the contract of the methods."""

    def __init__(self, settings: Settings) -> None:
        self._modes = Modes(settings.encoding)
        self._buffer = bytearray()  # the bytes from ``consumed`` on
        self._pos = 0  # up to here the buffer is read
        self._consumed = 0
        self._out: list[Decoded] = []
        self._slip = Slip(self._modes)
        self._settled: dict[bytes, bool] = {}  # runs that change no mode now; whether they set any
        self._open = False  # something of the slip has come
        self._doubts = Doubts()
        self._actions: dict[bytes, Callable[[bytes], None]] = {
            b"\x1b@": self._initialize,
            b"\x1b$": self._move_absolute,
            b"\x1b\\": self._move_relative,
            b"\x1b=": self._select,
            b"\x1bZ": self._clone_qr,
            b"\x1d(": self._group,
            b"\x1d8": self._graphics,
            b"\x1dk": self._bar_code,
            **dict.fromkeys(MODE_COMMANDS, self._set_mode),
            **dict.fromkeys(_CUTS, self._cut),
            **dict.fromkeys(_FEEDS, self._feed_paper),
            **dict.fromkeys(_PRINTS_PICTURE, self._picture),
            **dict.fromkeys(_DEFINES_PICTURE, self._picture_definition),
        }

    def feed(self, data: bytes) -> list[Decoded]:
        """Take bytes as they arrive, cut anywhere; return what became complete."""
        self._buffer += data
        self._read()
        if not self._open:
            self._forget_read()
        return self._take()

    def idle(self) -> list[Decoded]:
        """End what is under way: a receipt without a cut, an unfinished command."""
        for _ in range(MAX_RETRIES):
            if self._slip.language or self._modes.display or not swallows_text(self._buffer, self._pos):
                break
            self._noise(self._pos, 2)
            self._read()
        rest = self._buffer[self._pos :]
        if rest:
            self._begin(self._pos)
            if not self._slip.language:
                self._slip.put_aside("display" if self._modes.display else "unfinished", rest)
            self._pos = len(self._buffer)
        self._doubts.forget()
        if self._open:
            self._finish("no_cut")
        self._forget_read()
        return self._take()

    def unfinished(self) -> bytes:
        """Return ``modes()`` and the bytes since ``consumed``."""
        return self.modes() + bytes(self._buffer[0 if self._open else self._pos :])

    @property
    def consumed(self) -> int:
        """Count the bytes fed so far that are wholly turned into observations."""
        return self._consumed + (0 if self._open else self._pos)

    def modes(self) -> bytes:
        """Return commands that bring a fresh decoder to the modes at ``consumed``; empty at start-up values."""
        return self._slip.prefix if self._open else self._modes.prefix()

    def _take(self) -> list[Decoded]:
        out, self._out = self._out, []
        return out

    def _forget_read(self) -> None:
        self._consumed += self._pos
        del self._buffer[: self._pos]
        self._pos = 0

    # Reading: tokens in the order of the bytes, each taken only when it is whole.

    def _read(self) -> None:
        buffer = self._buffer
        while self._pos < len(buffer):
            if self._slip.language or self._modes.display:
                if not (self._skip_language() if self._slip.language else self._skip_display()):
                    return
                continue
            token = _TOKEN.match(buffer, self._pos, MAX_RECEIPT if self._open else len(buffer))
            if token is None:
                if not self._command():
                    return
                continue
            kind = token.lastindex
            if kind == 4:
                self._pos = token.end()
                self._pass_run(bytes(token[4]))
                self._check_length()
            elif kind == 3:
                self._pos = token.end()
                self._line_feed(len(token[0]))
            else:
                self._text(token.end(1), token.end())

    def _text(self, end: int, line_end: int) -> None:
        start = self._pos
        if not self._open:
            self._begin(start)
            end -= start
            line_end -= start
            start = 0
        if self._doubts.continues_spoilt(self._buffer, start):
            self._slip.spoil()
        if line_end - start >= self._slip.room:
            end = line_end = min(end, start + self._slip.room)
        self._slip.run += self._buffer[start:end]
        self._slip.room -= line_end - start
        self._slip.after_return = False
        self._pos = end
        if line_end > end:
            self._pos = line_end
            self._slip.new_line()
        if self._slip.room <= 0 or self._pos >= MAX_RECEIPT:
            self._finish("truncated")

    def _line_feed(self, length: int) -> None:
        if not self._open:
            return
        if self._slip.after_return and not self._slip.run:
            self._slip.after_return = False  # CR ended this line already
        else:
            self._slip.new_line()
        self._slip.room -= length
        self._check_length()

    def _pass_run(self, run: bytes) -> None:
        """Obey a run of commands that print nothing; most were seen before and change nothing now."""
        sets_modes = self._settled.get(run)
        if sets_modes is None:
            commands = [command for command in _IN_RUN.findall(run) if command]
            for command in commands:
                self._set_mode(command)
            if len(self._settled) >= MAX_SETTLED:
                self._settled.clear()
            if len(run) <= MAX_SETTLED_RUN:
                self._settled[run] = bool(commands)
        elif sets_modes and self._slip.run:
            self._slip.flush()
        if self._open and self._doubts.spoils(run, self._slip.run, self._pos):
            self._slip.spoil()

    def _set_mode(self, command: bytes) -> None:
        if self._slip.run:
            self._slip.flush()
        before = self._modes.state()
        MODE_COMMANDS[command[:2]](self._modes, command)
        if self._modes.state() != before:
            self._modes.changed()
            self._settled.clear()

    def _command(self) -> bool:
        """Read one command or one piece of noise; return False if it is not all there yet."""
        buffer, at = self._buffer, self._pos
        key = bytes(buffer[at : at + 2])
        measure = COMMANDS.get(key)
        if measure is None or key == b"\x1b*":
            if key[0] not in b"\x10\x1b\x1c\x1d":
                return self._control(at)
            if len(key) < 2:
                return False
            star = self._star(at) if key in STAR_LEADS else None
            if star is not None:
                return star
        length = INVALID if measure is None else measure if isinstance(measure, int) else measure(buffer, at)
        if length == INVALID or self._doubts.swallows_receipt(buffer, at, length):
            self._noise(at, 2 if key[1] >= 0x20 and key[0] != 0x10 else 1)  # DLE is what one flipped bit makes of 0
            return True
        if length == NEED_MORE or len(buffer) - at < length:
            return False
        if key in _OPENING or (key == b"\x1d(" and buffer[at + 2] in b"Lk"):
            at = self._begin(at)
        self._pos = at + length
        action = self._actions.get(key)
        if action is not None:
            if self._slip.run:
                self._slip.flush()
            action(bytes(buffer[at : at + length]))
        self._check_length()
        return True

    def _control(self, at: int) -> bool:
        byte = self._buffer[at]
        if byte == 0x09:
            self._begin(at)
            self._pos += 1
            self._slip.flush()
            self._slip.page.tab(self._modes.tabs, self._modes.pitch)
            self._check_length()
        elif byte == 0x0C:
            self._pos = at + 1
            self._slip.flush()
            self._slip.page.end_line_if_any()
        elif byte == 0x0D:
            self._pos = at + 1
            if self._slip.run or self._slip.page.has_text:
                self._slip.new_line()
                self._slip.after_return = True
            self._slip.room -= self._open  # between receipts a line end costs nothing
            self._check_length()
        elif byte == 0x00:
            run = self._buffer[at : at + PADDING]
            count = len(run) - len(run.lstrip(b"\0"))
            if count < PADDING and at + count == len(self._buffer):
                return False  # padding or noise: what follows will tell
            self._noise(at, count)
        else:
            self._noise(at, 1)
        return True

    def _noise(self, at: int, length: int) -> None:
        at = self._begin(at)
        self._pos = at + length
        noise = self._buffer[at : self._pos]
        self._doubts.noise_ended(self._pos)
        if self._doubts.spoils(noise, self._slip.run, self._pos):
            self._slip.spoil()
        self._slip.put_aside("noise", noise)
        if len(self._slip.aside["noise"]) >= MAX_NOISE:
            self._finish("truncated")
        self._check_length()

    def _check_length(self) -> None:
        if self._open and (self._pos >= MAX_RECEIPT or self._slip.room <= 0):
            self._finish("truncated")

    # Other readers on the line.

    def _star(self, at: int) -> bool | None:
        """Recognise Star line mode; None: it is not, False: not enough bytes to tell, True: recognised."""
        found = is_star(self._buffer, at, self._open)
        if found:
            self._pos = self._begin(at)
            self._slip.language = "star"
        return False if found is None else found or None

    def _skip_language(self) -> bool:
        """Keep the bytes of another printer language up to its cut."""
        self._pos, ended = language_end(self._slip.language, self._buffer, self._pos, MAX_RECEIPT)
        if ended:
            self._finish("truncated" if self._pos == MAX_RECEIPT else "")
        return ended

    def _skip_display(self) -> bool:
        """Set aside what goes to the customer display; a cut means that the printer is listening again."""
        start = self._begin(self._pos)
        if self._slip.display_from is None:
            self._slip.display_from = start
        room = MAX_NOISE - len(self._slip.aside.get("display", b""))
        self._pos, command = display_end(self._buffer, start, start + room)
        self._slip.put_aside("display", self._buffer[start : self._pos])
        if command is None:
            return False
        if not command:
            self._finish("truncated")
        elif command[0] == 0x1D:
            self._modes.display = False
            self._take_back()
        else:
            self._slip.display_from = None
            self._pos += len(command)
            self._select(command)
        return True

    def _take_back(self) -> None:
        """Read again what a display seemed to be told: none is cut, so the slip since ``ESC @`` was the printer's.

        One flipped bit selects the display, and so does one noise in 40 that lasts a minute.
        """
        at = self._buffer.rfind(b"\x1b@", self._slip.display_from, self._pos)
        self._slip.display_from = None
        if at >= 0 and swallows_text(self._buffer, at, self._pos):
            self._slip.take_back("display", self._pos - at)
            self._doubts.forget()
            self._pos = at

    # A receipt's life.

    def _begin(self, at: int) -> int:
        """Open a receipt at ``at`` unless one is open; return where that byte is now."""
        if self._open:
            return at
        self._open = True
        self._slip.prefix = self._modes.prefix()
        self._pos = at
        self._forget_read()
        return 0

    def _finish(self, flag: str) -> None:
        """Emit what is under way and start afresh."""
        self._out += self._slip.observations(self._buffer[: self._pos], flag)
        self._open = False
        self._slip = Slip(self._modes)
        self._doubts.forget()
        self._forget_read()

    # What the commands do: each takes the whole command, already read.

    def _initialize(self, _command: bytes) -> None:
        """``ESC @``: no driver throws away what it has just sent, so with a row under way a cut got lost before it."""
        page = self._slip.page
        lost = page.has_text or self._doubts.is_troubled(self._pos - 2)
        page.drop_line()
        if lost and len(page.lines) >= LEAST_RECEIPT:
            self._finish("no_cut")
        self._modes.reset()
        self._settled.clear()

    def _cut(self, _command: bytes) -> None:
        if self._open:
            self._finish("")

    def _feed_paper(self, _command: bytes) -> None:
        self._slip.page.end_line_if_any()

    def _move_absolute(self, command: bytes) -> None:
        self._slip.page.move_to(self._modes.dots(int.from_bytes(command[2:], "little")))

    def _move_relative(self, command: bytes) -> None:
        self._slip.page.move_to(
            self._slip.page.x + self._modes.dots(int.from_bytes(command[2:], "little", signed=True))
        )

    def _select(self, command: bytes) -> None:
        """``ESC =``: bit 0 is the printer; without it the bytes go to the customer display."""
        self._modes.display = not command[2] & 1
        if self._open and not (self._modes.display or self._slip.has_content()):
            self._finish("")

    def _picture(self, command: bytes) -> None:
        self._slip.pictures.append((self._pos - len(command), self._pos, EMPTY_PICTURE))

    def _picture_definition(self, command: bytes) -> None:
        if self._open:
            self._slip.pictures.append((self._pos - len(command), self._pos, b""))

    def _graphics(self, command: bytes) -> None:
        """``GS ( L`` and ``GS 8 L``: the function stands behind the count."""
        function = command[6] if command[1] == ord("(") else command[8]
        (self._picture if function in _PRINT_GRAPHICS else self._picture_definition)(command)

    def _group(self, command: bytes) -> None:
        if command[2] == ord("L") and len(command) > 6:
            self._graphics(command)
        elif command[2] == ord("k"):
            data = symbols.two_dimensional(command)
            if data is not None:
                self._slip.add_code(data)

    def _bar_code(self, command: bytes) -> None:
        self._slip.barcodes.append(symbols.bar_code(command))

    def _clone_qr(self, command: bytes) -> None:
        self._slip.add_code(command[7:])


_TOKEN, _IN_RUN = patterns({b"\x1b@", *_OPENING, *_CUTS, *_FEEDS, b"\x1b="}, set(MODE_COMMANDS))
