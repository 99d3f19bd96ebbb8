"""Captures: the redacted raw bytes of a slip, kept so that a better template can read it again."""

import hashlib

from edge_agent.redact import Redacted, Redactor
from edge_agent.shop.outcome import Capture


def capture_of(redactor: Redactor, raw: bytes, redacted: Redacted | None) -> tuple[str, tuple[Capture, ...]]:
    """Return the hash that names a slip's capture, and the capture itself where it may be kept.

    ``redacted``: what was replaced in the slip's text. Where a secret cannot be found in the raw bytes, no capture is
    kept, and the hash is that of the redacted text.
    """
    if redacted is None:
        body: bytes | None = redactor.redact_text(raw.decode("utf-8", "replace")).encode()
        text = body or b""
    else:
        body = redactor.redact_raw(raw, redacted.replacements)
        text = "\n".join(redacted.lines).encode()
    sha256 = hashlib.sha256(text if body is None else body).hexdigest()
    return sha256, () if body is None else (Capture(sha256, body),)
