"""Captures read again: what must be known beside the bytes of a slip, and what a second reading of them leads to."""

from dataclasses import dataclass, field

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.shop.corrections import corrected
from edge_agent.shop.outcome import Capture, Outcome, StateChange
from edge_agent.shop.settings import DeviceFacts
from edge_agent.shop.slips import Slip

# Durable rows: by ``About.id`` what a capture's file is about to say. A row is written in the transaction of the event
# that it stands for, and goes once the file says the same: a kill in between sends nothing twice.
PART = "reread"
# Durable rows: by device, what all its captures have been read with.
DONE = "reread_done"
# Durable rows: by the id of the event that says unparsed, under what name its capture is kept since, which that event
# cannot know: a secret was taken out of it. Empty: it is kept no more, and the slip was read.
MOVED = "reread_moved"

# A vendor's new layout is seen within a day and mended within days; such a row is 2 kB, in memory too.
_SENT_AGAIN_MS = 7 * 24 * 3_600_000
# Twice as long as an event is kept once it is delivered (storage's ``retention_days``).
_MOVED_MS = 28 * 24 * 3_600_000


class About(msgspec.Struct, frozen=True, omit_defaults=True):
    """What must be known of a slip to read its capture again; nothing of a person that its event does not say.

    ``id``: of the slip's event. ``read_by``: what it was read with last (``DeviceFacts.read_by``). ``wall_ms``: when
    its last byte came; ``own_clock``: the agent's clock was set then. ``completed_at`` and ``business_day``: as sent.
    ``read``: the order as the slip alone says it, ``sent``: with what else was known; both None: it was unparsed.
    ``told``: it was unparsed, and all it says is told for good: another print of an order's paper (those are known for
    two weeks only), a till's report, cash moved. ``seen``: it was unparsed, and is no order as far as is known: its
    kind; a later reading may still say better. ``late``: it was unparsed, and was sent when it was read again.
    """

    id: str
    device: str
    read_by: str
    wall_ms: int
    own_clock: bool
    completed_at: str
    business_day: str
    read: data.Order | None = None
    sent: data.Order | None = None
    told: bool = False
    seen: str = ""
    late: bool = False

    @property
    def is_read(self) -> bool:
        """Whether it is known what the slip is."""
        return self.sent is not None or self.told or bool(self.seen)

    @property
    def counted_as(self) -> str:
        """What kind a slip that was unparsed counts as."""
        return self.seen or "unparsed"

    def moment(self, now: Moment) -> Moment:
        """Return when the slip came, as the reader of slips takes it."""
        return Moment(self.wall_ms, now.uptime_ms, now.boot_id, now.quality)


@dataclass(frozen=True, slots=True)
class Again:
    """What a second reading leads to.

    ``verdict``: ``same`` · ``kept`` (an order that is now no order, or less sure, or no order that is now unparsed: it
    stays as it was) · ``corrected`` · ``read`` (it was unparsed) · ``merged`` (it was unparsed, and another print of
    the same paper was not) · ``seen`` (it was unparsed, and is no order) · ``unparsed`` (still).
    ``about``: what is known from now on; None: what was known before. ``capture``: as it may be kept; None: not at all.
    """

    verdict: str
    outcome: Outcome = field(default_factory=Outcome)
    about: bytes | None = None
    capture: Capture | None = None


def about_slip(facts: DeviceFacts, slip: Slip, sent: data.Order | None, id_: str, at: Moment, built_ms: int) -> bytes:
    """Return what is kept beside a slip's capture; nothing for one that is never read again."""
    if not isinstance(slip.data, data.Order | data.Unparsed):
        return b""
    about = About(
        id=id_,
        device=facts.id,
        read_by=facts.read_by,
        wall_ms=at.wall_ms,
        own_clock=at.wall_ms >= built_ms,
        completed_at=(sent or slip.data).completed_at,
        business_day=(sent or slip.data).business_day,
        read=slip.data if isinstance(slip.data, data.Order) else None,
        sent=sent,
    )
    return msgspec.json.encode(about)


def parsed(about: bytes) -> About | None:
    """Return what is kept beside a capture, or None: it is of another version, or none."""
    try:
        return msgspec.json.decode(about, type=About)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def judged(about: About, slip: Slip) -> tuple[str, data.Order | None]:
    """Return the verdict on a second reading, as far as this slip alone tells, and the order to be sent, if any is."""
    if about.told:
        return "same", None
    order = slip.data if isinstance(slip.data, data.Order) else None
    if about.read is not None and about.sent is not None:
        if order is None or slip.event is None:
            return "kept", None
        better = corrected(about.read, about.sent, order, own_clock=about.own_clock)
        return ("corrected", better) if better is not None else ("same", None)
    if about.seen and isinstance(slip.data, data.Unparsed):
        return "kept", None
    if order is None:
        return ("unparsed" if isinstance(slip.data, data.Unparsed) else "seen"), None
    if slip.event is None:
        return "seen", None
    if not about.own_clock:
        return "read", order
    hops = tuple(msgspec.structs.replace(hop, at=about.completed_at) for hop in order.journey)
    timed = msgspec.structs.replace(
        order, completed_at=about.completed_at, business_day=about.business_day, journey=hops
    )
    return "read", timed


def renewed(about: About, facts: DeviceFacts, read: data.Order, sent: data.Order) -> tuple[bytes, StateChange]:
    """Return what is known of a slip from now on, and the row that says so until its file does."""
    times = {"completed_at": sent.completed_at, "business_day": sent.business_day}
    late = about.late or about.sent is None
    about = msgspec.structs.replace(about, read_by=facts.read_by, read=read, sent=sent, seen="", late=late, **times)
    return _row(about)


def told(about: About, facts: DeviceFacts) -> tuple[bytes, StateChange]:
    """Return the same of a slip that no later reading can say more of."""
    return _row(msgspec.structs.replace(about, read_by=facts.read_by, told=True, seen=""))


def seen(about: About, facts: DeviceFacts, kind: str) -> tuple[bytes, StateChange]:
    """Return the same of a slip that was unparsed, and is no order but of that kind."""
    return _row(msgspec.structs.replace(about, read_by=facts.read_by, seen=kind))


def moved(about: About, again: Again, sha256: str, at: Moment) -> tuple[StateChange, ...]:
    """Return the row that says where a capture is kept from now on, if its slip's first event named it ``sha256``.

    ``about``: what was known before. ``again``: what a reading led to that could be made of it.
    """
    name = again.capture.sha256 if again.capture is not None else ""
    known = about if again.about is None else parsed(again.about) or about
    if name == sha256 or not (about.sent is None or about.late) or not (name or known.is_read):
        return ()
    return (StateChange(MOVED, about.id, name.encode(), at.wall_ms + _MOVED_MS),)


def _row(about: About) -> tuple[bytes, StateChange]:
    encoded = msgspec.json.encode(about)
    return encoded, StateChange(PART, about.id, encoded)


def sent_again(about: bytes, sent: data.Order, at: Moment) -> tuple[StateChange, ...]:
    """Return the row that says of a slip what was sent since for another reason than reading it again."""
    known = parsed(about)
    if known is None:
        return ()
    row = msgspec.json.encode(msgspec.structs.replace(known, sent=sent))
    return (StateChange(PART, known.id, row, at.wall_ms + _SENT_AGAIN_MS),)


def without_member(about: bytes, member: str) -> bytes:
    """Return what is kept beside a capture without a member who is to be forgotten; other slips' unchanged."""
    known = parsed(about)
    if known is None or member not in {order.member for order in (known.read, known.sent) if order is not None}:
        return about
    read, sent = (o and msgspec.structs.replace(o, member=None, checkin_id=None) for o in (known.read, known.sent))
    return msgspec.json.encode(msgspec.structs.replace(known, read=read, sent=sent))
