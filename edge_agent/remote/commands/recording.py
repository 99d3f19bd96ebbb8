"""What a line says while it is listened to, as the rows of a file: redacted, and no byte that could not be."""

import base64
import gzip
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract.events import Draft, iso_time
from edge_agent.decoders import Decoder
from edge_agent.observations import Decoded, Observation, Receipt, Record, Undecoded
from edge_agent.redact import Redactor
from edge_agent.shop.captures import capture_of, record_capture
from edge_agent.shop.observed import hides_secret, observed, shape, shows_secret
from edge_agent.shop.outcome import Outcome
from edge_agent.shop.records import redacted_fields

# What may wait for the file: 20 s of a line at 115,200 baud.
HELD_BYTES = 256 * 1024

# A slip in a language that nobody reads here: no secret is seen in it, so none could be taken out.
_UNREAD = frozenset({"star", "foreign"})
# From the length of a telephone number on; the rest of a code, or of a number, is not worth a slip's bytes.
_LONG_NUMBER = re.compile(rb"\d(?:[ \0-]?\d){10,}")


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing a line has said, and what became of it."""

    observation: Decoded
    events: tuple[Draft, ...]
    wall_ms: int


class Ear:
    """Listens to a device; what it hears waits in memory, little of it, until it is taken."""

    def __init__(self) -> None:
        self.missed = 0  # for want of room: the disk, or the line's pace
        self._heard: list[Heard] = []
        self._bytes = 0

    def hear(self, observation: Observation, outcome: Outcome, at: Moment) -> None:
        """Keep what a line has said, and what became of it."""
        said = cast("Decoded", observation)  # a line says nothing else
        size = _size(said)
        if self._heard and self._bytes + size > HELD_BYTES:
            self.missed += 1
            return
        self._bytes += size
        self._heard.append(Heard(said, outcome.events, at.wall_ms))

    def take(self) -> list[Heard]:
        """Return what has been heard since the last time."""
        heard, self._heard, self._bytes = self._heard, [], 0
        return heard


class Recording:
    """A file of rows, NDJSON in gzip: ``at``, ``device``, and what was said. Touches the disk: use it in a thread.

    ``kinds``: how many rows there are of each kind of observation.
    """

    def __init__(
        self, path: Path, device: str, zone: ZoneInfo, redactor: Redactor, new_decoder: Callable[[], Decoder]
    ) -> None:
        """``new_decoder``: of the line, to read redacted slips again. Raises OSError, as ``write`` and ``close``."""
        self.kinds: Counter[str] = Counter()
        self._path = path
        self._device = device
        self._zone = zone
        self._redactor = redactor
        self._new_decoder = new_decoder
        self._file = gzip.open(path, "wb")  # noqa: SIM115 - open for as long as the line is listened to

    @property
    def size(self) -> int:
        """How large the file is by now, in bytes, but for what is just being compressed."""
        return self._path.stat().st_size

    def write(self, heard: list[Heard]) -> None:
        """Write what has been heard."""
        for one in heard:
            row = {**self._said(one.observation), "events": list(_events(one.events))}
            self.kinds[str(row["observation"])] += 1
            self._row(one.wall_ms, row)

    def state(self, wall_ms: int, state: str, reason: str, detail: str) -> None:
        """Write that the device has failed, or works again."""
        self._row(wall_ms, {"state": state, "reason": reason, "detail": detail})

    def close(self) -> None:
        """Complete the file."""
        self._file.close()

    def _row(self, wall_ms: int, row: dict[str, object]) -> None:
        said = {"at": iso_time(wall_ms, self._zone), "device": self._device, **row}
        self._file.write(msgspec.json.encode(said) + b"\n")

    def _said(self, observation: Decoded) -> dict[str, object]:
        said = observed(self._redactor, observation)
        if isinstance(observation, Receipt | Record):
            raw = self._safe(observation)
            if raw is not None:
                said["raw"] = base64.b64encode(raw).decode()
            else:
                said["shape"] = shape(observation.raw)
        return said

    def _safe(self, slip: Receipt | Record) -> bytes | None:
        """Return a slip's bytes without secrets; None where it cannot be proven that there are none left.

        What is taken out was found in the text. So no long number may be left that the text does not show, and whoever
        reads the bytes again, or reads them wrongly, must see no secret.
        """
        if isinstance(slip, Record):
            _, redacted = redacted_fields(self._redactor, slip.fields)
            text, _, captures = record_capture(self._redactor, slip.raw, redacted)
        elif _UNREAD.isdisjoint(slip.flags):
            redacted = self._redactor.redact_lines(slip.lines, slip.barcodes)
            _, captures = capture_of(self._redactor, slip.raw, redacted)
            text = (*redacted.lines, *redacted.codes)
        else:
            return None
        for capture in captures:
            numbers = _LONG_NUMBER.findall(capture.body)
            all_shown = all(any(number.decode() in row for row in text) for number in numbers)
            if all_shown and not hides_secret(capture.body) and not self._shows_secret(capture.body):
                return capture.body
        return None

    def _shows_secret(self, raw: bytes) -> bool:
        decoder = self._new_decoder()
        slips = [slip for slip in (*decoder.feed(raw), *decoder.idle()) if isinstance(slip, Receipt | Record)]
        return any(shows_secret(self._redactor, slip) for slip in slips)


def _events(drafts: tuple[Draft, ...]) -> Iterator[dict[str, object]]:
    """Yield what the rules made of it: the event, and why a slip was not understood or by which template it was."""
    for draft in drafts:
        evidence = getattr(draft.data, "evidence", None)
        reason = getattr(draft.data, "reason", None)
        event = {"type": draft.type, "reason": reason, "template": getattr(evidence, "template", None)}
        yield {name: value for name, value in event.items() if value is not None}


def _size(observation: Decoded) -> int:
    match observation:
        case Receipt() | Record():
            return len(observation.raw)
        case Undecoded():
            return len(observation.data)
        case _:
            return 64  # a code, a figure
