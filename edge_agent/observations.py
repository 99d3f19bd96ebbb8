"""What a device can say, once its bytes are understood. Pure values: no clock, no identity, nothing redacted yet."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Receipt:
    """One printed slip, laid out as a person would see it.

    ``lines``: the text, top to bottom, placed on a grid of single-width cells (an East Asian wide character takes two
    cells, columns set in dots are rounded to cells), trailing blanks removed.
    ``raw``: the bytes it came from, for a capture.
    ``barcodes``: what was printed by bar code and QR commands, in order.
    ``flags``: what a reader must know: ``image_only`` (raster without text), ``truncated`` (a limit cut it),
    ``no_cut`` (ended by silence), ``undecodable`` (bytes the code page does not know), ``star`` (another printer
    language), ``foreign`` (a document or a label language: SVG, PDF, ZPL …); of both no text is read.
    """

    lines: tuple[str, ...]
    raw: bytes
    barcodes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One structured record of an exporting register: contract order fields (or a mapping to them) by name."""

    fields: dict[str, object]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Scan:
    """A code presented to a scanner or exported by the register, as text."""

    code: str
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Undecoded:
    """Bytes that came in and mean nothing to the decoder. ``reason``: a stable code (``noise``, ``not_json`` …)."""

    data: bytes
    reason: str


Observation = Receipt | Record | Scan | Undecoded
