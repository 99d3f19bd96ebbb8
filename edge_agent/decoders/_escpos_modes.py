"""What a printer remembers between commands, and the commands that bring a fresh one to the same point."""

from collections.abc import Callable

from edge_agent.decoders import _escpos_text as text
from edge_agent.decoders._escpos_page import FONT_DOTS


class Modes:
    """The modes that outlive a receipt. ``startup``: the device's ``encoding``."""

    def __init__(self, startup: str) -> None:
        self.startup = startup
        self.display = False  # ESC =: the bytes go to the customer display, not to the printer
        self.reset()

    def reset(self) -> None:
        """Go back to the start-up values (``ESC @``)."""
        self.table: int | None = None
        self.kanji = self.startup in text.MULTIBYTE
        self.kanji_system: int | None = None
        self.utf_8 = self.startup == "utf_8"
        self.national = self._startup_national()
        self.font = 0
        self.wide = 1
        self.wide_kanji = 1
        self.spacing = 0
        self.tabs: tuple[int, ...] | None = None
        self.unit = 0
        self.glyphs: frozenset[int] = frozenset()
        self.user_glyphs = False
        self.changed()

    def _startup_national(self) -> int:
        return 8 if self.startup in text.JAPANESE else 0  # Epson: the default of Japanese models is Japan's set

    def changed(self) -> None:
        """Tell that a mode was set: what follows from it is worked out anew when it is needed."""
        self._charset: text.Charset | None = None
        self._commands: bytes | None = None

    def state(self) -> tuple[object, ...]:
        """Return all that ``prefix`` would bring back, but for the display, to be compared."""
        return (
            self.table, self.kanji, self.kanji_system, self.utf_8, self.national, self.font, self.wide,
            self.wide_kanji, self.spacing, self.tabs, self.unit, self.glyphs, self.user_glyphs,
        )  # fmt: skip

    @property
    def pitch(self) -> int:
        """Dots from one character to the next."""
        return FONT_DOTS[self.font] + self.spacing

    @property
    def charset(self) -> text.Charset:
        """How text is read now."""
        if self._charset is None:
            self._charset = text.charset(
                self.startup, self.table, self.kanji, self.kanji_system, self.utf_8, self.national
            )
        return self._charset

    def decode(self, data: bytes) -> tuple[str, bytes]:
        """Return the characters of a run and the bytes no table in force knows."""
        charset = self.charset
        drawn = self.user_glyphs and self.glyphs
        if charset.ascii_as_is and not drawn and data.isascii():
            return data.decode("ascii"), b""
        printed, bad = text.decode(data, charset.first, charset.second)
        if drawn:  # the shop's own drawings: nobody can tell what they show
            bad += bytes(byte for byte in data if byte in self.glyphs)
            printed = printed.translate(dict.fromkeys(self.glyphs, text.REPLACEMENT))
        for ascii_, there in charset.pairs:
            printed = printed.replace(ascii_, there)
        return printed, bad

    def dots(self, units: int) -> int:
        """Return horizontal motion units as dots; a unit is one dot unless ``GS P`` set another (203 dpi assumed)."""
        return units if self.unit in (0, 180, 203) else round(units * 203 / self.unit)

    def prefix(self) -> bytes:
        """Return commands that bring a fresh printer with the same start-up page to these modes; empty at start-up."""
        if self._commands is None:
            self._commands = self._text_prefix() + self._layout_prefix()
        return self._commands + b"\x1b=\x02" if self.display else self._commands

    def _text_prefix(self) -> bytes:
        out = bytearray()
        if self.national != self._startup_national():
            out += bytes((0x1B, 0x52, self.national))
        if self.table is not None:
            out += bytes((0x1B, 0x74, self.table))
        if self.kanji_system is not None:
            out += bytes((0x1C, 0x43, self.kanji_system))
        if self.kanji_system is not None or self.kanji != (self.startup in text.MULTIBYTE):
            out += b"\x1c&" if self.kanji else b"\x1c."
        if self.utf_8 != (self.startup == "utf_8"):
            out += b"\x1c(C\x02\x000" + (b"2" if self.utf_8 else b"1")
        return bytes(out)

    def _layout_prefix(self) -> bytes:
        out = bytearray()
        if self.wide != 1 or self.wide_kanji != 1:
            out += bytes((0x1D, 0x21, (self.wide - 1) << 4))
        if self.wide_kanji != self.wide:
            out += bytes((0x1C, 0x57, self.wide_kanji - 1))
        if self.font:
            out += bytes((0x1B, 0x4D, self.font))
        if self.spacing:
            out += bytes((0x1B, 0x20, self.spacing))
        if self.tabs is not None:
            out += b"\x1bD" + bytes(self.tabs) + b"\0"
        if self.unit:
            out += bytes((0x1D, 0x50, self.unit, 0))
        for code in sorted(self.glyphs):
            out += bytes((0x1B, 0x26, 1, code, code, 0))
        if self.user_glyphs:
            out += b"\x1b%\x01"
        return bytes(out)


def _print_mode(modes: Modes, command: bytes) -> None:
    modes.font = command[2] & 1
    modes.wide = modes.wide_kanji = 2 if command[2] & 0x20 else 1


def _size(modes: Modes, command: bytes) -> None:
    modes.wide = modes.wide_kanji = (command[2] >> 4 & 7) + 1


def _kanji_mode(modes: Modes, command: bytes) -> None:
    modes.wide_kanji = 2 if command[2] & 0x04 else 1


def _kanji_size(modes: Modes, command: bytes) -> None:
    modes.wide_kanji = (command[2] & 1) + 1


def _font(modes: Modes, command: bytes) -> None:
    modes.font = {1: 1, 2: 2, 49: 1, 50: 2}.get(command[2], 0)


def _spacing(modes: Modes, command: bytes) -> None:
    modes.spacing = command[2]


def _unit(modes: Modes, command: bytes) -> None:
    modes.unit = command[2]


def _tabs(modes: Modes, command: bytes) -> None:
    modes.tabs = tuple(command[2:].rstrip(b"\0"))


def _table(modes: Modes, command: bytes) -> None:
    modes.table = command[2]


def _national(modes: Modes, command: bytes) -> None:
    modes.national = command[2]


def _kanji_on(modes: Modes, _command: bytes) -> None:
    modes.kanji = True


def _kanji_off(modes: Modes, _command: bytes) -> None:
    modes.kanji = False


def _kanji_system(modes: Modes, command: bytes) -> None:
    """Choose JIS or Shift-JIS, on Japanese printers only; Shift-JIS text is understood without ``FS &``."""
    modes.kanji_system = command[2]
    if modes.startup in text.JAPANESE and command[2] % 48:
        modes.kanji = True


def _encoding(modes: Modes, command: bytes) -> None:
    """``FS ( C`` function 48 chooses one-byte text (1) or UTF-8 (2)."""
    if len(command) == 7 and command[2] == ord("C") and command[5] == 48:
        modes.utf_8 = command[6] in b"\x022"


def _glyphs(modes: Modes, command: bytes) -> None:
    modes.glyphs |= frozenset(range(command[3], command[4] + 1))


def _use_glyphs(modes: Modes, command: bytes) -> None:
    modes.user_glyphs = bool(command[2] & 1)


def _forget_glyph(modes: Modes, command: bytes) -> None:
    modes.glyphs -= {command[2]}


MODE_COMMANDS: dict[bytes, Callable[[Modes, bytes], None]] = {
    b"\x1b ": _spacing,
    b"\x1b!": _print_mode,
    b"\x1b%": _use_glyphs,
    b"\x1b&": _glyphs,
    b"\x1b?": _forget_glyph,
    b"\x1bD": _tabs,
    b"\x1bM": _font,
    b"\x1bR": _national,
    b"\x1bt": _table,
    b"\x1c!": _kanji_mode,
    b"\x1c&": _kanji_on,
    b"\x1c(": _encoding,
    b"\x1c.": _kanji_off,
    b"\x1cC": _kanji_system,
    b"\x1cW": _kanji_size,
    b"\x1d!": _size,
    b"\x1dP": _unit,
}
