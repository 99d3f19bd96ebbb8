"""Taps: who a tag says it is, whether it may say so again, and whether this is still the same tap."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from edge_agent.clock import Moment
from edge_agent.identities import Identity
from edge_agent.identities.hashing import Hasher
from edge_agent.observations import TagRead
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.rows import readable
from edge_agent.shop.settings import DeviceFacts
from edge_agent.shop.stamp import Stamp

COUNTERS = "sdm"  # durable: the highest counter each verified tag has shown
COUNTER_BYTES = 4
RECENT = "tap"  # durable: taps that still count as the same one


class _Recent(msgspec.Struct, frozen=True, array_like=True):
    """The durable form of a tap that still counts as the same one for ``debounce_ms``."""

    stamp: Stamp
    debounce_ms: int

    def is_same(self, at: Moment) -> bool:
        """Whether a tap at that moment is still this one."""
        return self.stamp.elapsed_ms(at) < self.debounce_ms


@dataclass(frozen=True, slots=True)
class Tap:
    """What a tap amounts to, not remembered yet: give it to ``keep`` once what it leads to is certain.

    ``verdict``: ``new``; ``repeated`` (still the same tap); ``refused``, for the ``reason`` ``torn`` (taken away while
    it was read), ``nameless``, ``sdm_forged`` or ``sdm_replayed``; a refused one has no ``identity``. ``malformed``:
    what is wrong with its NDEF message, which costs a tap nothing but the message. ``counter``: what a verified tag has
    shown, by the key it is kept under.
    """

    verdict: Literal["new", "repeated", "refused"]
    identity: Identity | None = None
    reason: str = ""
    malformed: str = ""
    counter: tuple[str, int] | None = None


class Taps:
    """Remembers counters and recent taps; both are durable state."""

    def __init__(self, hasher: Hasher, counters: Mapping[str, bytes], recent: Mapping[str, bytes]) -> None:
        """``counters``, ``recent``: the durable rows of ``COUNTERS`` and ``RECENT``."""
        self._hasher = hasher
        # Longer than they can be is no counter, and as good as none.
        self._counters = {key: int.from_bytes(row, "big") for key, row in counters.items() if len(row) <= COUNTER_BYTES}
        self._recent = dict(readable(recent, _Recent))
        self._lying: dict[str, tuple[str, bool]] = {}  # by reader: the tap whose tag lies there; whether it was new

    def judge(self, facts: DeviceFacts, read: TagRead, at: Moment) -> Tap:
        """Return what a tag on a reader amounts to. Debounced by who it proves to be: a forged tag is nobody."""
        from edge_agent.identities.tags import identify  # noqa: PLC0415  6 MB that a shop without readers need not carry

        tagged = identify(read, self._hasher, facts.sdm)
        if tagged.identity is None:
            return Tap("refused", reason=tagged.refused or "nameless", malformed=tagged.malformed)
        counter = None
        if tagged.counter is not None:
            counter = (self._counter_key(tagged.counter[0]), tagged.counter[1])
            if counter[1] <= self._counters.get(counter[0], -1):
                return Tap("refused", reason="sdm_replayed")
        known = self._recent.get(self._key(facts.id, tagged.identity))
        verdict: Literal["new", "repeated"] = "repeated" if known is not None and known.is_same(at) else "new"
        return Tap(verdict, tagged.identity, malformed=tagged.malformed, counter=counter)

    def keep(self, facts: DeviceFacts, tap: Tap, at: Moment) -> tuple[StateChange, ...]:
        """Remember a tap; returns the rows to keep."""
        self._lying.pop(facts.id, None)
        if tap.identity is None:
            return ()
        state: list[StateChange] = []
        if tap.counter is not None:
            name, counter = tap.counter
            self._counters[name] = counter
            state.append(StateChange(COUNTERS, name, counter.to_bytes(COUNTER_BYTES, "big")))
        key, is_new = self._key(facts.id, tap.identity), tap.verdict == "new"
        self._lying[facts.id] = key, is_new
        if is_new and facts.debounce_ms:
            state.append(self._remember(key, facts.debounce_ms, at))
        return tuple(state)

    def gone(self, facts: DeviceFacts, at: Moment) -> tuple[StateChange, ...]:
        """Take note that a tag was taken away: a card that lay there for an hour is not tapped anew as it is lifted."""
        key, was_new = self._lying.pop(facts.id, ("", False))
        if not key or not facts.debounce_ms:
            return ()
        known = self._recent.get(key)
        if known is not None and known.is_same(at) and not was_new:
            return ()  # else who taps every minute would never tap anew
        return (self._remember(key, facts.debounce_ms, at),)

    def forget(self, identity: tuple[str, str], readers: Mapping[str, DeviceFacts]) -> tuple[StateChange, ...]:
        """Forget what is kept of an identity (kind, value); returns the rows to delete.

        Counters stay: without them every URL the tag has ever shown would be believed again. Their keys are found by
        nobody who has not the tag and the tenant's key.
        """
        kind, value = identity
        keys = [self._key(reader, Identity(kind, value, verified)) for reader in readers for verified in (False, True)]
        for key in keys:
            self._recent.pop(key, None)
        self._lying = {reader: tap for reader, tap in self._lying.items() if tap[0] not in keys}
        return tuple(StateChange(RECENT, key, None) for key in keys)

    def renew(self, at: Moment) -> tuple[StateChange, ...]:
        """Return the rows of taps that still count, to be kept by a wall clock that was set."""
        still = [(key, recent) for key, recent in self._recent.items() if recent.is_same(at)]
        return tuple(_row(key, recent, at) for key, recent in still)

    def _remember(self, key: str, debounce_ms: int, at: Moment) -> StateChange:
        self._forget_past(at)
        recent = _Recent(Stamp.of(at), debounce_ms)
        self._recent.pop(key, None)
        self._recent[key] = recent
        return _row(key, recent, at)

    def _forget_past(self, at: Moment) -> None:
        """Drop what is past from the front; a longer debounce in front of shorter ones makes that lazy, never wrong."""
        while self._recent:
            oldest = next(iter(self._recent))
            if self._recent[oldest].is_same(at):
                return
            del self._recent[oldest]

    def _counter_key(self, value: str) -> str:
        return self._hasher.of("counter", value.encode())[:32]

    def _key(self, reader: str, identity: Identity) -> str:
        said = f"{reader}\0{identity.kind}\0{identity.value}\0{identity.verified}"
        return self._hasher.of("tap", said.encode())[:32]


def _row(key: str, recent: _Recent, at: Moment) -> StateChange:
    left_ms = recent.debounce_ms - recent.stamp.elapsed_ms(at)
    return StateChange(RECENT, key, msgspec.msgpack.encode(recent), at.wall_ms + left_ms)
