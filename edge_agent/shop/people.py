"""Who is here: taps, advertisements and codes become check-ins and visits."""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.events import Draft, iso_time
from edge_agent.identities import Identity, bearer
from edge_agent.identities.hashing import Hasher
from edge_agent.observations import Advertisement, TagGone, TagRead
from edge_agent.redact import Redactor
from edge_agent.shop import checkins, pause, presence, taps, tills
from edge_agent.shop.drafts import draft
from edge_agent.shop.outcome import Outcome, Signal, StateChange, combined
from edge_agent.shop.presence import Change, Changes, Count, Place, Presence, Sighting
from edge_agent.shop.settings import DeviceFacts, ShopSettings

if TYPE_CHECKING:  # see _sightings
    from edge_agent.identities.advertisements import Sightings

# Of identities, all there are: whoever is forgotten may be known by a token of any of them.
_KINDS = (
    "sdm", "ndef_uri", "ndef_text", "aid", "service_token", "ibeacon", "eddystone_uid", "eddystone_eid", "irk", "uid",
    "idm", "code",
)  # fmt: skip
# Identities that are presented as plain text; what is secret in them is redacted like on a slip.
_TOKENS = frozenset({"ndef_uri", "ndef_text", "aid", "code"})

NOTHING = Outcome()

CLOCK_SET_MS = 5_000  # less shortens a debounce of a minute, or a window, by too little to matter

# Returns the durable rows that count one more of ``checkins`` or ``visitors`` on the business day of a moment; with a
# name, only if it is that one's first of the day.
CountToday = Callable[[Moment, str, str | None], tuple[StateChange, ...]]


class People:
    """Turns taps, advertisements and member codes into events. Its memory mirrors the durable state it was given."""

    def __init__(self, settings: ShopSettings, redactor: Redactor, hasher: Hasher) -> None:
        """Call ``restore`` next."""
        self.taps: Counter[str] = Counter()  # for metrics, since the start: by verdict or reason, and malformed_…
        self._settings = settings
        self._redactor = redactor
        self._hasher = hasher
        self._scanners = {
            facts.id: Place(facts.touchpoint, facts.zone or facts.touchpoint)
            for facts in settings.devices.values()
            if facts.kind == "ble"
        }
        self._sightings = _sightings(settings) if self._scanners else None
        self._healthy: set[str] = set()
        self._offset_ms: int | None = None  # of the wall clock to the uptime, at the last tick

    def restore(self, state: Callable[[str], Mapping[str, bytes]], count_today: CountToday, at: Moment | None) -> None:
        """Go back to the durable state. ``at``: now, when scanners may be running; None: none is yet."""
        self._count_today = count_today
        self._taps = taps.Taps(self._hasher, state(taps.COUNTERS), state(taps.RECENT))
        self._tills = tills.Tills(self._settings, state(tills.PART))
        self._checkins = checkins.CheckIns(self._settings, self._tills, state(checkins.PART))
        settings, small_count = self._settings.presence, self._settings.small_count
        day_key = secrets.token_bytes(32)  # the engine destroys it; kept here, it would outlive its day
        self._presence = Presence(settings, small_count, self._scanners, state(presence.PART), day_key)
        self._pause = pause.Pause(state(pause.PART))
        self._paused = False
        if at is not None and not self._is_paused(at):
            self._listen(at)

    @property
    def present(self) -> int:
        """How many visits are in progress."""
        return self._presence.present

    @property
    def tracked(self) -> int:
        """How many BLE devices were heard lately, strangers included."""
        return self._presence.tracked

    @property
    def has_scanners(self) -> bool:
        """Whether anything is listened to by Bluetooth."""
        return bool(self._scanners)

    @property
    def frozen(self) -> int:
        """How many scanners do not work, or are not listened to: what they do not see has not left."""
        return len(self._presence.frozen)

    def tapped(self, facts: DeviceFacts, read: TagRead, at: Moment) -> Outcome:
        """Return what a tag on a reader means, and what its light shall say."""
        tap = self._taps.judge(facts, read, at)
        events: tuple[Draft, ...] = ()
        state: tuple[StateChange, ...] = ()
        if tap.verdict == "new" and tap.identity is not None:
            events, state = self._check_in(facts, "nfc", tap.identity, at)
        kept = self._taps.keep(facts, tap, at)  # last: a tap that led to nothing may be tapped again
        self.taps[tap.reason or tap.verdict] += 1
        if tap.malformed:
            self.taps[f"malformed_{tap.malformed}"] += 1
        signal = Signal(facts.id, accepted=tap.identity is not None, reason=tap.reason)
        return Outcome(events, (*kept, *state), effects=(signal,))

    def taken_away(self, facts: DeviceFacts, gone: TagGone, at: Moment) -> Outcome:
        """Return what it means that a tag was taken off a reader."""
        del gone  # a reader holds one tag at a time
        return Outcome(state=self._taps.gone(facts, at))

    def presented(self, facts: DeviceFacts, code: str, at: Moment) -> Outcome:
        """Return the check-in of a member whose code was scanned; other codes are nobody's."""
        identity = Identity("code", self._redactor.redact_code(code))
        if (identity.kind, identity.value) not in self._settings.members:
            return NOTHING
        return Outcome(*self._check_in(facts, "scan", identity, at))

    def advertised(self, facts: DeviceFacts, advertisement: Advertisement, at: Moment) -> Outcome:
        """Return what an advertisement leads to: mostly nothing."""
        if self._is_paused(at):
            return NOTHING
        # A box's own clock is right to minutes for years, synchronized or not; before the build date it was never set.
        wall_ms = at.wall_ms if at.wall_ms >= self._settings.built_ms else None
        assert self._sightings is not None
        sighted = self._sightings.identify(advertisement, wall_ms)
        sighting = Sighting(
            facts.id,
            sighted.identity,
            sighted.carrier,
            advertisement.address,
            advertisement.rssi,
            advertisement.arrived_ms,
        )
        return self._changed(self._presence.sighted(sighting, at), at)

    def tick(self, at: Moment) -> Outcome:
        """Return what the passing of time leads to; to be asked about once a second."""
        paused = self._pause.tick(at)
        self._is_paused(at)
        changed = self._changed(self._presence.tick(at), at)
        state = (*paused, *(self._renewed(at) if self._clock_was_set(at) else ()))
        return combined((changed, Outcome(state=state))) if state else changed

    def pause(self, at: Moment) -> Outcome:
        """Pause presence for an hour from now: nothing that scanners hear is recorded or counted, nobody leaves."""
        state = self._pause.begin(at)
        self._is_paused(at)
        return Outcome(state=state)

    def go_on(self, at: Moment) -> Outcome:
        """End the pause of presence, if one is on."""
        state = self._pause.end()
        self._is_paused(at)
        return Outcome(state=state)

    def paused_until_ms(self, at: Moment) -> int | None:
        """Return when the pause of presence ends (Unix milliseconds), or None while none is on."""
        left_ms = self._pause.left_ms(at)
        return at.wall_ms + left_ms if left_ms else None

    def health(self, scanner: str, *, healthy: bool, at: Moment) -> None:
        """Tell whether a scanner works: what it does not see while it does not has not left."""
        if healthy:
            self._healthy.add(scanner)
        else:
            self._healthy.discard(scanner)
        paused = self._is_paused(at)
        self._presence.health(scanner, healthy=healthy and not paused, at=at)

    def _is_paused(self, at: Moment) -> bool:
        """Tell whether presence is paused; as one begins or ends, so do the scanners' clocks and the counts."""
        paused = self._pause.left_ms(at) > 0
        if paused != self._paused:
            self._paused = paused
            self._presence.count_anew()
            self._listen(at)
        return paused

    def _listen(self, at: Moment) -> None:
        """Tell the engine which scanners are listened to."""
        for scanner in self._healthy:
            self._presence.health(scanner, healthy=not self._paused, at=at)

    def sold(self, facts: DeviceFacts, order: data.Order, at: Moment) -> Outcome:
        """Write the member who tapped just before it into an order; returns what else that means."""
        tapped, state = self._tills.sold(facts.touchpoint, order, at)
        if tapped is None:
            return Outcome(state=state)
        order.checkin_id = tapped.checkin_id
        order.member = order.member or tapped.member
        revised = self._checkins.belongs(tapped, order.order_id) if tapped.took is not None else None
        if revised is None:
            return Outcome(state=state)
        told = self._told(facts, revised, at)
        return Outcome(told, (*state, *self._checkins.keep(revised, at)))

    def identities_of(self, member: str) -> set[tuple[str, str]]:
        """Return the identities (kind, value) that are a member's, or that are the token ``member`` itself."""
        mapped = {identity for identity, who in self._settings.members.items() if who == member}
        return mapped | {(kind, member) for kind in _KINDS}

    def subjects_of(self, member: str) -> set[str]:
        """Return the names under which somebody's check-ins and visits are kept."""
        return {f"member:{member}", *(":".join(bearer(*identity)) for identity in self.identities_of(member))}

    def forget(self, member: str) -> Outcome:
        """Return the deletion of all durable state about somebody."""
        identities = self.identities_of(member)
        tapped = (change for who in identities for change in self._taps.forget(who, self._settings.devices))
        checked_in = self._checkins.forget(self.subjects_of(member))
        state = (*tapped, *checked_in, *self._presence.forget(identities))
        return Outcome(state=state)

    def _clock_was_set(self, at: Moment) -> bool:
        before, self._offset_ms = self._offset_ms, at.wall_ms - at.uptime_ms
        return before is not None and abs(self._offset_ms - before) >= CLOCK_SET_MS

    def _renewed(self, at: Moment) -> tuple[StateChange, ...]:
        """Return the rows that the storage would delete by the new wall clock, though they still count."""
        return (*self._taps.renew(at), *self._checkins.renew(at), *self._tills.renew(at))

    def _changed(self, changes: Changes, at: Moment) -> Outcome:
        if not (changes.changes or changes.counts or changes.state):
            return NOTHING
        events: list[Draft] = []
        state = list(changes.state)
        for change in changes.changes:
            events.append(self._visit(change))
            if change.first:
                state += self._count_today(change.at, "visitors", self._checkins.subject(change.identity))
                checked_in, kept = self._arrived(change)
                events += checked_in
                state += kept
        events += (self._counted(count, at) for count in changes.counts)
        return Outcome(tuple(events), tuple(state))

    def _arrived(self, change: Change) -> tuple[tuple[Draft, ...], tuple[StateChange, ...]]:
        """Check in whom presence proves: a beacon that anybody can copy is somebody's only if a member's."""
        identity = change.identity
        if not identity.verified and (identity.kind, identity.value) not in self._settings.members:
            return (), ()
        facts = DeviceFacts(self._scanner_at(change.place), change.place.touchpoint, zone=change.place.zone)
        return self._check_in(facts, "ble", identity, change.at)

    def _check_in(
        self, facts: DeviceFacts, method: str, identity: Identity, at: Moment
    ) -> tuple[tuple[Draft, ...], tuple[StateChange, ...]]:
        seen = self._checkins.seen(facts, method, self._redacted(identity), at)
        told = self._told(facts, seen, at)  # first: what cannot be written is not remembered, either
        is_new = seen.checkin is not None and seen.checkin.revision == 1
        counted = self._count_today(at, "checkins", None) if is_new else ()
        return told, (*self._checkins.keep(seen, at), *counted)

    def _told(self, facts: DeviceFacts, seen: checkins.Seen, at: Moment) -> tuple[Draft, ...]:
        if seen.checkin is None:
            return ()
        kind, subject = "o2o.checkin.recorded.v1", f"checkin/{seen.checkin.checkin_id}"
        store = self._settings.store
        return (draft(store, facts.id or None, facts.touchpoint, kind, at, seen.checkin, subject),)

    def _redacted(self, identity: Identity) -> Identity:
        if identity.kind not in _TOKENS:
            return identity
        (value,) = self._redactor.redact_lines((self._redactor.redact_code(identity.value),)).lines
        return Identity(identity.kind, value, identity.verified, identity.random_uid)

    def _visit(self, change: Change) -> Draft:
        what = data.Presence(
            visit_id=change.visit_id,
            identity=checkins.on_wire(change.identity),
            touchpoint=change.place.touchpoint,
            zone=change.place.zone,
            occurred_at=iso_time(change.at.wall_ms, self._settings.zone),
            dwell_seconds=change.dwell_seconds,
            rssi=change.rssi,
        )
        kind, subject = f"o2o.presence.{change.kind}.v1", f"visit/{change.visit_id}"
        device = self._scanner_at(change.place) or None
        return draft(self._settings.store, device, change.place.touchpoint, kind, change.at, what, subject)

    def _scanner_at(self, place: Place) -> str:
        """Return the device at a place; empty if the configuration has none there any more."""
        return next((scanner for scanner, stands in self._scanners.items() if stands == place), "")

    def _counted(self, count: Count, at: Moment) -> Draft:
        what = data.Counted(
            zone=count.zone,
            window_start=iso_time(count.window_start_ms, self._settings.zone),
            window_seconds=count.window_seconds,
            visitors=count.visitors,
        )
        kind, subject = "o2o.presence.counted.v1", f"zone/{count.zone}"
        return draft(self._settings.store, None, count.zone, kind, at, what, subject)


def _sightings(settings: ShopSettings) -> "Sightings":
    from edge_agent.identities.advertisements import Sightings  # noqa: PLC0415  ciphers: only for a shop with scanners

    presence = settings.presence
    return Sightings(settings.enrolled, presence.ibeacon_uuids, presence.eddystone_namespaces)
