"""A vendor's new layout: receipts of a till that were read well, and from one day to the next are not."""

from collections.abc import Mapping

import msgspec

from edge_agent.contract import data
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.rows import readable
from edge_agent.shop.slips import Slip

PART = "layout"
REASON = "layout_changed"
DETAIL = "receipts that were read well no longer are: their layout has changed; the captures are kept"

# A new layout shows within ten receipts. Of a till of whose receipts one in ten is odd, six odd ones in ten come by
# chance once in 6,800 (binomial tail), and most tills are better than that by far.
RECENT = 10
CHANGED = 6
# What is usual for the till: at least ten receipts, at most forty before the last ten, nine in ten of one quality.
ENOUGH, USUAL, USUAL_SHARE = 10, 40, 0.9
# Receipts read well one after the other that end it: one may be an old one printed again.
CURED = 5

# How well a receipt was read.
NOT, READ, PROVED = range(3)


class _Till(msgspec.Struct, frozen=True):
    """Qualities of the receipts of one device, oldest first: the ``last`` ones, and those ``before`` them.

    ``norm``: while its layout counts as changed, the quality that was usual; else None.
    """

    before: bytes = b""
    last: bytes = b""
    norm: int | None = None


class Layouts:
    """How well each device's receipts are read; its rows are durable state. Slips that are no receipts do not count."""

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``."""
        self._tills = dict(readable(rows, _Till))

    def has_changed(self, device: str) -> bool:
        """Tell whether a device's receipts are printed in another layout than they were."""
        return self._tills.get(device, _Till()).norm is not None

    def seen(self, device: str, slip: Slip) -> tuple[StateChange, ...]:
        """Take one slip into account; returns the rows to keep."""
        quality = _quality(slip)
        if quality is None:
            return ()
        till = _next(self._tills.get(device, _Till()), quality)
        self._tills[device] = till
        return (StateChange(PART, device, msgspec.msgpack.encode(till)),)


def _quality(slip: Slip) -> int | None:
    match slip.data:
        case data.Order(evidence=evidence) if "garbled" in evidence.flags:
            return None  # the line's doing, and its device says so
        case data.Unparsed():
            return NOT
        case data.Order(checks=checks) if slip.event is not None:
            results = {checks.lines, checks.tenders}
            return NOT if "fail" in results else PROVED if "pass" in results else READ
        case _:
            return None


def _next(till: _Till, quality: int) -> _Till:
    recent = till.last + bytes([quality])
    last = recent[-RECENT:]
    if till.norm is not None:  # what was usual before stays known until it is so again
        cured = len(last) >= CURED and min(last[-CURED:]) >= till.norm
        return _Till(till.before, last[-CURED:] if cured else last, None if cured else till.norm)
    before = (till.before + recent[:-RECENT])[-USUAL:]
    norm = _norm(before)
    changed = norm > NOT and sum(q < norm for q in last) >= CHANGED
    return _Till(before, b"" if changed else last, norm if changed else None)


def _norm(before: bytes) -> int:
    """Return the best quality that nine in ten of a till's receipts had; NOT: too few are known, or too few were."""
    if len(before) < ENOUGH:
        return NOT
    return max(norm for norm in (NOT, READ, PROVED) if sum(q >= norm for q in before) >= USUAL_SHARE * len(before))
