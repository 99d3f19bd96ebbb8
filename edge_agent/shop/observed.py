"""What a device said, as somebody who supports the shop may see it: redacted, whatever it is."""

import re
from collections.abc import Mapping
from dataclasses import asdict

from edge_agent.observations import Decoded, DisplayText, Payment, Receipt, Record, Scan, Undecoded, Weight
from edge_agent.redact import Redactor, documents, may_hold_secret
from edge_agent.shop.records import redacted_fields

SHAPE_BYTES = 256  # of what cannot be read, the form of the first so many: a dozen commands, or half a record

# A display shows a number as it is keyed in, a digit more each time: what is not yet a telephone number nearly is one.
# No figure of a shop has so many digits in one piece.
_KEYED_IN = re.compile(r"\d(?:[ -]?\d){6,}")
# From a telephone's on. What a code page does not know may stand between: UTF-16 has a nought byte with each digit.
_LONG_NUMBER = re.compile(r"\d(?:[ \0\ufffd-]?\d){10,}")
# Digits of a line that is read with the wrong number of data bits (the eighth is the parity), and of EBCDIC.
_HIDDEN = re.compile(rb"[0-9\xb0-\xb9](?:[ \0-]?[0-9\xb0-\xb9]){10,}|[\xf0-\xf9](?:[@`]?[\xf0-\xf9]){10,}")
_NO_DIGIT = b" \0-@`"


def observed(redactor: Redactor, observation: Decoded) -> dict[str, object]:
    """Return an observation without secrets, as JSON may hold it; ``observation`` names its kind.

    More is taken out than of an event: what comes up here may be misread, and then no word tells what a number is. A
    long number is shown where it cannot be a secret or a row says that it is a document's.
    """
    match observation:
        case Receipt():
            return {"observation": "receipt", **_slip(redactor, observation)}
        case Record():
            return {"observation": "record", "fields": _fields(redactor, observation.fields)}
        case Scan():
            return {"observation": "scan", "code": redactor.redact_code(observation.code)}
        case DisplayText():
            rows = [_KEYED_IN.sub(_stars, row) for row in redactor.redact_lines(observation.rows).lines]
            amount = observation.amount and _KEYED_IN.sub(_stars, observation.amount)
            return {"observation": "display", "rows": rows, "label": observation.label, "amount": amount}
        case Weight():
            return {"observation": "weight", **asdict(observation)}
        case Payment():
            reference = observation.reference and redactor.redact_code(observation.reference)
            fields = _fields(redactor, observation.fields)
            return {"observation": "payment", **asdict(observation), "reference": reference, "fields": fields}
        case Undecoded():
            data = observation.data
            return {"observation": "undecoded", "reason": observation.reason, "bytes": len(data), "shape": shape(data)}


def shows_secret(redactor: Redactor, slip: Receipt | Record) -> bool:
    """Tell whether a slip shows what is taken out of it here."""
    if isinstance(slip, Record):
        safe = _fields(redactor, slip.fields)
        return safe != dict(slip.fields)
    return _rows(redactor, slip) != [*slip.lines, *slip.barcodes]


def hides_secret(raw: bytes) -> bool:
    """Tell whether bytes hold what may be a secret to whoever reads them with other line settings."""
    numbers = (match[0].translate(None, _NO_DIGIT) for match in _HIDDEN.finditer(raw))
    return any(
        not number.isascii() and may_hold_secret("".join(str(byte & 0x0F) for byte in number), misread=True)
        for number in numbers
    )


def _slip(redactor: Redactor, slip: Receipt) -> dict[str, object]:
    about: dict[str, object] = {"flags": slip.flags, "bytes": len(slip.raw)}
    if hides_secret(slip.raw):
        return {**about, "shape": shape(slip.raw)}
    rows = _rows(redactor, slip)
    return {"lines": rows[: len(slip.lines)], "barcodes": rows[len(slip.lines) :], **about}


def _rows(redactor: Redactor, slip: Receipt) -> list[str]:
    """Return a slip's lines and codes without secrets. Where its bytes are odd, its words may be so by accident."""
    redacted = redactor.redact_lines(slip.lines, slip.barcodes)
    misread = "undecodable" in slip.flags
    known = frozenset[str]() if misread else documents(redacted.lines)
    return [_without(row, known, misread=misread) for row in (*redacted.lines, *redacted.codes)]


def _fields(redactor: Redactor, fields: Mapping[str, object]) -> dict[str, object]:
    safe, redacted = redacted_fields(redactor, dict(fields))
    known = documents(redacted.lines)
    return {name: _value(value, known) for name, value in safe.items()}


def _value(value: object, known: frozenset[str]) -> object:
    match value:
        case dict():
            return {name: _value(inner, known) for name, inner in value.items()}
        case list():
            return [_value(inner, known) for inner in value]
        case _:
            safe = _without(str(value), known)
            return value if safe == str(value) else safe


def _without(text: str, known: frozenset[str], *, misread: bool = False) -> str:
    """Return text without long numbers that may be secrets; ``known``: to be a document's."""

    def safe(number: re.Match[str]) -> str:
        digits = "".join(str(int(sign)) for sign in number[0] if sign.isdigit())
        harmless = digits in known or not may_hold_secret(digits, misread=misread)
        return number[0] if harmless else _stars(number)

    return _LONG_NUMBER.sub(safe, text)


def shape(data: bytes) -> str:
    """Return the form of bytes that nobody can read, and nothing of what they say.

    ``<1b>``: a control byte; ``a`` a letter, but for one behind ESC, FS or GS, which is a command's name; ``9`` a
    digit; ``h`` a byte beyond ASCII; blanks and punctuation stand for themselves. A row of anything is written once
    with its length: ``9{11}``.
    """
    signs = []
    before = 0
    for byte in data[:SHAPE_BYTES]:
        signs.append(_sign(byte, before))
        before = byte
    return _ROW.sub(lambda row: f"{row[1]}{{{len(row[0]) // len(row[1])}}}", "".join(signs))


_ROW = re.compile(r"(<..>|[a9h ])\1{3,}")
_LEADS = b"\x1b\x1c\x1d"


def _sign(byte: int, before: int) -> str:
    sign = chr(byte)
    if byte < 0x20 or byte == 0x7F:
        return f"<{byte:02x}>"
    if byte > 0x7F:
        return "h"
    if sign.isdigit():
        return "9"
    return "a" if sign.isalpha() and before not in _LEADS else sign


def _stars(number: re.Match[str]) -> str:
    return "*" * len(number[0])
