"""What a device said, as somebody who supports the shop may see it: redacted, whatever it is."""

import re
from dataclasses import asdict

from edge_agent.observations import Decoded, DisplayText, Payment, Receipt, Record, Scan, Undecoded, Weight
from edge_agent.redact import Redactor
from edge_agent.shop.records import redacted_fields

SHAPE_BYTES = 256  # of what cannot be read, the form of the first so many: a dozen commands, or half a record

# A display shows a number as it is keyed in, a digit more each time: what is not yet a telephone number nearly is one.
# No figure of a shop has so many digits in one piece.
_KEYED_IN = re.compile(r"\d(?:[ -]?\d){6,}")


def observed(redactor: Redactor, observation: Decoded) -> dict[str, object]:
    """Return an observation without secrets, as JSON may hold it; ``observation`` names its kind."""
    match observation:
        case Receipt():
            redacted = redactor.redact_lines(observation.lines, observation.barcodes)
            return {
                "observation": "receipt",
                "lines": redacted.lines,
                "barcodes": redacted.codes,
                "flags": observation.flags,
                "bytes": len(observation.raw),
            }
        case Record():
            fields, _ = redacted_fields(redactor, observation.fields)
            return {"observation": "record", "fields": fields}
        case Scan():
            return {"observation": "scan", "code": redactor.redact_code(observation.code)}
        case DisplayText():
            rows = [_KEYED_IN.sub(_starred, row) for row in redactor.redact_lines(observation.rows).lines]
            amount = observation.amount and _KEYED_IN.sub(_starred, observation.amount)
            return {"observation": "display", "rows": rows, "label": observation.label, "amount": amount}
        case Weight():
            return {"observation": "weight", **asdict(observation)}
        case Payment():
            fields, _ = redacted_fields(redactor, dict(observation.fields))
            reference = observation.reference and redactor.redact_code(observation.reference)
            return {"observation": "payment", **asdict(observation), "reference": reference, "fields": fields}
        case Undecoded():
            data = observation.data
            return {"observation": "undecoded", "reason": observation.reason, "bytes": len(data), "shape": shape(data)}


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


def _starred(number: re.Match[str]) -> str:
    return "*" * len(number[0])
