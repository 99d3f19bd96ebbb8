"""One slip under way: what was printed and what was set aside, until its end makes observations of it."""

import re

from edge_agent.decoders._escpos_modes import Modes
from edge_agent.decoders._escpos_page import Page
from edge_agent.decoders._escpos_text import REPLACEMENT
from edge_agent.observations import Decoded, Receipt, Undecoded

# A text receipt of 256 KiB is over 5,000 lines: 15 m of paper.
MAX_TEXT = 256 * 1024
# A raster picture of no rows: what stands for a picture in a capture.
EMPTY_PICTURE = b"\x1dv0\x00\x00\x00\x00\x00"

# Documents and label languages that drivers send by mistake: SVG, PDF, PostScript, PJL (after ESC %-), ZPL, TSPL, CPCL.
_DOCUMENT = re.compile(
    rb"\s*(?:<svg|<\?xml|<!DOCTYPE|<html|%PDF-|%!PS|12345X@PJL|\^XA|SIZE \d+ ?mm|! 0 200 200 )", re.IGNORECASE
)


class Slip:
    """What the decoder knows of one receipt. ``prefix``: the modes it began with, as commands."""

    def __init__(self, modes: Modes) -> None:
        self._modes = modes
        self.prefix = b""
        self.page = Page()
        self.run = bytearray()  # text bytes since the last command that matters
        self.room = MAX_TEXT
        self.after_return = False
        self.pictures: list[tuple[int, int, bytes]] = []  # start, end, what stands for it in a capture
        self.barcodes: list[str] = []
        self.aside: dict[str, bytearray] = {}  # bytes that print nothing, by reason
        self.language = ""  # another printer's, once recognised
        self.display_from: int | None = None  # where the customer display was last selected, while it is

    def has_content(self) -> bool:
        """Tell whether anything would be printed."""
        return bool(self.page.has_text or self.page.lines or self.run or self.barcodes or self.pictures)

    def flush(self) -> None:
        """Print the run of text under way."""
        if not self.run:
            return
        data = bytes(self.run)
        self.run.clear()
        modes = self._modes
        if not self.page.lines and not self.page.has_text and _DOCUMENT.match(data):
            self.language = "foreign"
            return
        text, bad = modes.decode(data)
        if bad:
            self.put_aside("encoding", bad)
        self.page.put(text, len(data), modes.pitch, modes.wide, modes.wide_kanji, modes.charset.two_byte)

    def new_line(self) -> None:
        """Print the run and end its line."""
        self.flush()
        self.after_return = False
        self.page.end_line()

    def spoil(self) -> None:
        """Show that a figure may have lost a digit here: what is left of it must not be taken for one."""
        self.flush()
        self.page.put(REPLACEMENT, 1, self._modes.pitch, 1, 1, False)

    def put_aside(self, reason: str, data: bytes | bytearray) -> None:
        """Keep bytes that mean nothing on paper, to be told at the slip's end."""
        self.aside.setdefault(reason, bytearray()).extend(data)

    def take_back(self, reason: str, count: int) -> None:
        """Take the last bytes from what was put aside: they will be read again."""
        del self.aside[reason][-count:]
        if not self.aside[reason]:
            del self.aside[reason]

    def add_code(self, data: bytes) -> None:
        """Take the data of a two-dimensional code: UTF-8, else the code page in force."""
        try:
            self.barcodes.append(data.decode("utf-8"))
        except UnicodeDecodeError:
            self.barcodes.append(self._modes.decode(data)[0])

    def observations(self, data: bytes | bytearray, flag: str) -> list[Decoded]:
        """Return the receipt, if anything was printed, and what was set aside. ``data``: the slip's bytes."""
        self.flush()
        lines = self.page.finished()
        if self.language:  # none of it was meant for this decoder; the capture has it all
            lines = ()
            self.aside.clear()
        out: list[Decoded] = []
        pictures = any(stand_in for _, _, stand_in in self.pictures)
        if lines or self.barcodes or pictures or self.language:
            flags = [self.language, flag]
            flags += ["image_only"] if pictures and not (lines or self.barcodes or self.language) else []
            flags += ["undecodable"] if "encoding" in self.aside else []
            flags += ["garbled"] if {"encoding", "noise"} <= self.aside.keys() else []
            out.append(Receipt(lines, self._raw(data), tuple(self.barcodes), tuple(filter(None, flags))))
        return out + [Undecoded(bytes(aside), reason) for reason, aside in self.aside.items()]

    def _raw(self, data: bytes | bytearray) -> bytes:
        raw = bytearray(self.prefix)
        at = 0
        for start, end, stand_in in self.pictures:
            raw += data[at:start] + stand_in
            at = end
        return bytes(raw + data[at:])
