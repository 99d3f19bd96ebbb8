r"""Code scanners: a code a line → ``Scan``.

    [prefix] [ ]Cm ] code [suffix] CR, LF, CR LF, or silence

``prefix`` and ``suffix`` are what the scanner is set to add; a code without them is something else on the line.
``]Cm`` is the AIM symbology identifier (ISO/IEC 15424: ``]``, a letter for the symbology, a modifier), which many
scanners can be told to send: it is taken off and said as ``symbology``, for the codes of shops with its ``name``. The
FNC1 of GS1 between two elements comes as GS (1D) and stays in the code (GS1 General Specifications, 7.8.5).

QR codes hold text in UTF-8, GB18030 or the scanner's own choice: ``encoding``; bytes that are no UTF-8 are tried as
GB18030 where it is ``auto``. Codes come through as they are, payment codes, too: whoever records them redacts.

Undecoded reasons: ``encoding``, ``unprintable`` (control characters: a wrong baud rate, another device), ``framing``
(without the prefix or suffix), ``too_long``, ``noise`` (nothing but an identifier).
"""

import re
from typing import Literal

from pydantic import Field

from edge_agent.fields import Settings as BaseSettings
from edge_agent.observations import Decoded, Scan, Undecoded

# The largest QR code holds 4,296 characters or 2,953 bytes (ISO/IEC 18004, version 40-L).
MAX_CODE = 4296
MAX_LINE = 4 * MAX_CODE  # in bytes: a character of UTF-8 or GB18030 has at most four

# ISO/IEC 15424, table A.1: what tills meet.
_SYMBOLOGIES = {
    "A": "code39", "C": "code128", "E": "ean", "F": "codabar", "G": "code93", "I": "itf", "L": "pdf417",
    "Q": "qr", "X": "other", "d": "datamatrix", "e": "gs1-databar", "h": "hanxin", "z": "aztec",
}  # fmt: skip
_AIM = re.compile(r"\]([A-Za-z])([0-9A-Za-z])")
# GS1's separators within an element string; RS and EOT enclose ISO/IEC 15434 messages of suppliers' labels.
_KEPT = "\x1d\x1e\x04\t"

# Made up for ``modes``, and looked for only where a stream begins: what follows belongs to a code that was too long.
_CANCEL = b"\x18\x00\x18\x00skipping"
_END = re.compile(rb"[\r\n]")  # of CR LF, the LF ends an empty line, which is nothing


class Settings(BaseSettings):
    """The keys ``scanner`` adds to a device. ``prefix`` and ``suffix``: text that the scanner adds to each code."""

    prefix: str = Field(default="", max_length=16)
    suffix: str = Field(default="", max_length=16)
    encoding: Literal["auto", "utf_8", "gb18030", "shift_jis", "euc_kr", "big5", "iso8859_1"] = "auto"


class Decoder:
    """See ``edge_agent.decoders.Decoder`` for the contract of the methods."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._line = bytearray()
        self._skipping = False  # the rest of a code that was too long
        self._consumed = 0

    def feed(self, data: bytes) -> list[Decoded]:
        """Take bytes as they arrive, cut anywhere; return the codes that became complete."""
        self._line += data
        out: list[Decoded] = []
        if self._consumed == 0 and self._line.startswith(_CANCEL):
            self._take(len(_CANCEL))
            self._skipping = True
        while end := _END.search(self._line):
            out += self._piece(end.start(), end.end())
        while len(self._line) > MAX_LINE:
            out.append(Undecoded(self._take(MAX_LINE), "too_long"))
            self._skipping = True
        return out

    def idle(self) -> list[Decoded]:
        """Take a code without its end for a whole one."""
        out = self._piece(len(self._line), len(self._line)) if self._line else []
        self._skipping = False
        return out

    def unfinished(self) -> bytes:
        """Return ``modes()`` and the bytes of the code under way."""
        return self.modes() + bytes(self._line)

    @property
    def consumed(self) -> int:
        """Count the bytes of all codes that are done with."""
        return self._consumed

    def modes(self) -> bytes:
        """Return whether the code under way is one that was too long."""
        return _CANCEL if self._skipping else b""

    def _piece(self, end: int, behind: int) -> list[Decoded]:
        """Read the code that ends at ``end``; the next begins at ``behind``."""
        out: list[Decoded] = []
        while end > MAX_LINE:
            out.append(Undecoded(self._take(MAX_LINE), "too_long"))
            self._skipping = True
            end, behind = end - MAX_LINE, behind - MAX_LINE
        line = self._take(behind)
        skipping, self._skipping = self._skipping, False
        if skipping:
            return [*out, Undecoded(line, "too_long")] if line else out
        if line[:end].strip(b" \0"):
            out.append(self._read(line, line[:end]))
        return out

    def _take(self, length: int) -> bytes:
        taken = bytes(self._line[:length])
        del self._line[:length]
        self._consumed += length
        return taken

    def _read(self, line: bytes, body: bytes) -> Decoded:
        text = self._text(body)
        if text is None:
            return Undecoded(line, "encoding")
        if any(not (character.isprintable() or character in _KEPT) for character in text):
            return Undecoded(line, "unprintable")
        prefix, suffix = self._settings.prefix, self._settings.suffix
        framed = text.startswith(prefix) and text.endswith(suffix) and len(text) >= len(prefix) + len(suffix)
        if not framed:
            return Undecoded(line, "framing")
        text = text[len(prefix) : len(text) - len(suffix)]
        identifier = _AIM.match(text)
        code = text[identifier.end() :] if identifier else text
        if not code.strip():
            return Undecoded(line, "noise")
        if identifier is None:
            return Scan(code)
        fields: dict[str, object] = {"symbology": identifier[0]}
        if identifier[1] in _SYMBOLOGIES:
            fields["name"] = _SYMBOLOGIES[identifier[1]]
        return Scan(code, fields)

    def _text(self, body: bytes) -> str | None:
        wanted = self._settings.encoding
        for encoding in ("utf_8", "gb18030") if wanted == "auto" else (wanted,):
            try:
                return body.decode(encoding)
            except UnicodeDecodeError:
                continue
        return None
