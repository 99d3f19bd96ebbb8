"""What central's word means for the streams: pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from edge_agent.contract.events import Stream
from edge_agent.contract.messages import UNREADABLE, Ack, DayAnswer, decode_ack


class DayHeard(Protocol):
    """Takes central's word on business days. ``settled``: central had everything recorded here."""

    def __call__(self, answers: Sequence[DayAnswer], *, settled: bool) -> None:
        """Take it, at once."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a stream stands here. ``sent``: the highest sequence that anybody outside can hold."""

    upto: int
    last: int
    sent: int


@dataclass(frozen=True, slots=True)
class Meaning:
    """What to do about an acknowledgement.

    ``rolled_back``: central holds what was never sent from this disk; nothing else matters then. ``forward``: newly
    acknowledged; ``back``: central has lost what was behind (restored from a backup); ``need``: ranges to send again.
    """

    rolled_back: bool = False
    forward: dict[Stream, int] = field(default_factory=dict)
    back: dict[Stream, int] = field(default_factory=dict)
    need: list[tuple[Stream, int, int]] = field(default_factory=list)


def read_ack(payload: bytes) -> Ack | None:
    """Return an acknowledgement, or None for anything else; never raises."""
    try:
        ack = decode_ack(payload)
    except UNREADABLE:
        return None
    in_range = all(upto >= 0 for upto in ack.upto.values())
    ordered = all(1 <= first <= last for ranges in ack.need.values() for first, last in ranges)
    return ack if in_range and ordered else None


def day_answers(ack: Ack) -> tuple[list[DayAnswer], list[bytes]]:
    """Return what an acknowledgement says of business days, and what of that cannot be read."""
    answers, malformed = [], []
    for raw in ack.day:
        try:
            answers.append(_decode_answer(raw))
        except UNREADABLE:
            malformed.append(bytes(raw))
    return answers, malformed


_decode_answer = msgspec.json.Decoder(DayAnswer).decode


def interpret(ack: Ack, standing: Callable[[Stream], Standing]) -> Meaning:
    """Compare central's word, of this epoch, with where the streams stand. Unknown streams are nobody's here."""
    meaning = Meaning()
    for stream in Stream:
        here = standing(stream)
        upto = ack.upto.get(stream, here.upto)
        if upto > here.sent:
            return Meaning(rolled_back=True)
        if upto > here.upto:
            meaning.forward[stream] = upto
        elif upto < here.upto:
            meaning.back[stream] = upto
        for first, last in ack.need.get(stream, []):
            if first <= min(last, here.last):
                meaning.need.append((stream, first, min(last, here.last)))
    return meaning
