"""The same paper again: which slips have been seen, so that none is counted twice."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.shop.outcome import StateChange

PART = "paper"
_ROW = re.compile(rb"(\d{1,18}):([\x20-\x7e]+)")

# As long as delivered events are kept (contract section 4): a slip older than that is not printed again by a register.
KEEP_MS = 14 * 24 * 3_600_000
# Without a number or a printed time only likeness speaks, and two customers buy the same bottle of water every hour.
SUSPECT_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class Paper:
    """What identifies one printed slip. ``number`` and ``printed_at`` may be missing."""

    store: str
    number: str | None
    printed_at: str | None
    body: str

    @property
    def is_certain(self) -> bool:
        """Whether number and printed time are both there: only then may papers be merged."""
        return self.number is not None and self.printed_at is not None

    @property
    def key(self) -> str:
        """Return the hash that two prints of the same paper share."""
        text = "\0".join((self.store, self.number or "", self.printed_at or "", self.body))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class Papers:
    """Remembers papers by key; its rows are durable state."""

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``, each ``expires_ms:order_id``."""
        parsed = ((key, _ROW.fullmatch(value)) for key, value in rows.items())  # one of another version is left out
        self._seen = {key: (int(row[1]), row[2].decode()) for key, row in parsed if row}

    def order_of(self, paper: Paper, wall_ms: int) -> str | None:
        """Return the order this paper already led to, or None."""
        expires, order_id = self._seen.get(paper.key, (0, None))
        return order_id if expires > wall_ms else None

    def remember(self, paper: Paper, order_id: str, wall_ms: int) -> StateChange:
        """Keep the paper; returns the durable row."""
        self._forget_expired(wall_ms)
        expires = wall_ms + (KEEP_MS if paper.is_certain else SUSPECT_MS)
        self._seen.pop(paper.key, None)
        self._seen[paper.key] = (expires, order_id)
        return StateChange(PART, paper.key, f"{expires}:{order_id}".encode(), expires)

    def _forget_expired(self, wall_ms: int) -> None:
        """Drop expired papers from the front; the two lifetimes make that lazy, never wrong."""
        for key in list(self._oldest(8)):
            if self._seen[key][0] <= wall_ms:
                del self._seen[key]

    def _oldest(self, count: int) -> list[str]:
        return [key for key, _ in zip(self._seen, range(count), strict=False)]
