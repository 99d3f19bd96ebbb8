"""Captures: the redacted raw bytes of a slip, kept so that a better template can read it again."""

import hashlib
from collections.abc import Sequence

from edge_agent.redact import Redacted, Redactor
from edge_agent.shop.outcome import Capture


def capture_of(redactor: Redactor, raw: bytes, redacted: Redacted) -> tuple[str, tuple[Capture, ...]]:
    """Return the hash that names a slip's capture, and the capture itself where it may be kept.

    ``redacted``: what was replaced in the slip's text. Where a secret cannot be found in the raw bytes, no capture is
    kept, and the hash is that of the redacted text.
    """
    return _named(redactor.redact_raw(raw, redacted.replacements), redacted.lines)


def record_capture(
    redactor: Redactor, raw: bytes, redacted: Redacted
) -> tuple[tuple[str, ...], str, tuple[Capture, ...]]:
    """Return a record's text, then as ``capture_of``. ``redacted``: the record's fields, a row each.

    The text is the record as it came; its fields, where it came in another encoding than UTF-8: under names that
    cannot be read a telephone number is but a number, so those bytes are not kept.
    """
    body = redactor.redact_raw(raw, redacted.replacements)
    try:
        text = redactor.redact_text((body or b"").decode()).strip()  # what the fields do not show: a name given twice
    except UnicodeDecodeError:
        text = ""
    lines = (text,) if text else redacted.lines
    return lines, *_named(text.encode() or None, lines)


def _named(body: bytes | None, lines: Sequence[str]) -> tuple[str, tuple[Capture, ...]]:
    if body is None:
        return hashlib.sha256("\n".join(lines).encode()).hexdigest(), ()
    sha256 = hashlib.sha256(body).hexdigest()
    return sha256, (Capture(sha256, body),)
