"""What a device can say, once its bytes are understood. Pure values: no clock, no identity, nothing redacted yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Receipt:
    """One printed slip, laid out as a person would see it.

    ``lines``: the text, top to bottom, placed on a grid of single-width cells (an East Asian wide character takes two
    cells, columns set in dots are rounded to cells), trailing blanks removed.
    ``raw``: the bytes it came from, for a capture.
    ``barcodes``: what was printed by bar code and QR commands, in order.
    ``flags``: what a reader must know: ``image_only`` (raster without text), ``truncated`` (a limit cut it),
    ``no_cut`` (ended by silence, or by the next one's beginning), ``undecodable`` (bytes the code page does not know),
    ``garbled`` (such bytes, and control bytes that are no command: the line lost some, or mixed what two say),
    ``star`` (another printer language), ``foreign`` (a document or a label language: SVG, PDF, ZPL …); of both no text
    is read.
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


@dataclass(frozen=True, slots=True)
class DisplayText:
    """What a line display shows from now on.

    ``rows``: its text, top to bottom, trailing blanks removed. ``label``: what a digit display's lamp, or the words
    beside the figure, say it is: ``unit_price`` ``total`` ``received`` ``change``; None: nothing says so.
    ``amount``: the figure as shown, as a decimal string; None: no single figure is shown.
    """

    rows: tuple[str, ...]
    label: str | None = None
    amount: str | None = None


@dataclass(frozen=True, slots=True)
class Weight:
    """What a scale says. ``value``: decimal string; ``unit``: ``kg`` ``g`` ``lb`` ``oz``; ``stable``: at rest.

    ``price``: where the scale computes one, as a decimal string.
    """

    value: str
    unit: str
    stable: bool
    price: str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """One answer of a payment terminal, read while it passed by. The agent observes a payment, it never confirms one.

    ``result``: ``approved`` ``declined`` ``cancelled`` ``unknown``. ``kind``: ``sale`` ``return`` ``void``.
    ``amount``: minor units. ``type``: a tender type of contract section 6, where the answer says so. ``reference``: the
    number the payment can be found by (approval, trade or trace number). ``fields``: the rest of the field map.
    """

    result: str
    kind: str = "sale"
    amount: int | None = None
    type: str | None = None
    reference: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


# What a decoder makes of a line's bytes.
Decoded = Receipt | Record | Scan | DisplayText | Weight | Payment | Undecoded


@dataclass(frozen=True, slots=True)
class TagRead:
    """One tag or telephone put on a reader; said once for as long as it lies there.

    ``technology``: ``type2`` ``type3`` (FeliCa) ``type4`` ``classic`` (MIFARE Classic: nothing but its UID is read).
    ``uid``: the UID as it came, of FeliCa the IDm. ``ndef``: the octets of its NDEF message, empty where it has an
    empty one, None where it has none. ``torn``: it has one that could not be read to its end; then ``ndef`` is None.
    ``answers``: what applications on a telephone said to their SELECT, by AID in upper-case hex.
    """

    technology: str
    uid: bytes
    ndef: bytes | None = None
    torn: bool = False
    answers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TagGone:
    """The tag that lay on the reader has been taken away. ``uid``: as in its TagRead."""

    uid: bytes


@dataclass(frozen=True, slots=True)
class Advertisement:
    """One BLE advertisement. Nothing of it may reach a disk, a log or the wire as it is.

    ``address``: ``AA:BB:CC:DD:EE:FF``. ``rssi``: dBm. ``arrived_ms``: uptime milliseconds of its arrival.
    ``manufacturer``: manufacturer data by company id, without the id. ``services``: service data by lower-case
    128-bit UUID.
    """

    address: str
    rssi: int
    arrived_ms: int
    manufacturer: Mapping[int, bytes] = field(default_factory=dict)
    services: Mapping[str, bytes] = field(default_factory=dict)


Observation = Decoded | TagRead | TagGone | Advertisement
