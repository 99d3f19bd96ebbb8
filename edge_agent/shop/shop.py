"""The shop's rules: one observation in, the events and the state it implies out. Pure.

An observation is worked out in full before anything is remembered: where the rules fail, memory is as it was.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.events import Draft, iso_time
from edge_agent.contract.ids import uuid7
from edge_agent.contract.messages import DayAnswer
from edge_agent.identities.hashing import Hasher
from edge_agent.observations import (
    Advertisement,
    DisplayText,
    Observation,
    Payment,
    Receipt,
    Record,
    Scan,
    TagGone,
    TagRead,
    Undecoded,
    Weight,
)
from edge_agent.redact import Redactor
from edge_agent.shop import companions, layouts, numbers, papers, rereading, today
from edge_agent.shop.drafts import draft
from edge_agent.shop.outcome import Outcome, StateChange, combined
from edge_agent.shop.people import People
from edge_agent.shop.proof.proof import Proof
from edge_agent.shop.rereading import About, Again
from edge_agent.shop.settings import DeviceFacts, ShopSettings
from edge_agent.shop.slips import Slip, SlipReader
from edge_agent.shop.today import Place

# Which counter of the day a slip's event type adds to.
_COUNTERS = {
    "o2o.order.completed.v1": "orders",
    "o2o.order.returned.v1": "returns",
    "o2o.order.voided.v1": "voids",
    "o2o.order.unparsed.v1": "unparsed",
}

# Slips with a number of the till's own: a void repeats that of what it voids, a platform's slip has the platform's.
_NUMBERED = {"sale", "return", "top_up"}


class Shop:
    """Turns what devices say into what happened. Its memory mirrors the durable state it was given."""

    def __init__(self, settings: ShopSettings, key: bytes, state: Callable[[str], Mapping[str, bytes]]) -> None:
        """``key``: the tenant's, for hashes and redaction.

        ``state`` returns the durable rows of a part, as they were last committed.
        """
        self._settings = settings
        self._redactor = Redactor(key)
        self._slips = SlipReader(settings, self._redactor)
        self.people = People(settings, self._redactor, Hasher(key))
        self.seen: Counter[str] = Counter()  # for metrics, since the start: slips by kind,
        self.gaps = 0  # and orders whose number shows that others are missing
        self.restore(state)

    def restore(self, state: Callable[[str], Mapping[str, bytes]], at: Moment | None = None) -> None:
        """Go back to the durable state: after a commit failed, memory must not be ahead of the disk. ``at``: now."""
        self._papers = papers.Papers(state(papers.PART))
        self._numbers = numbers.Numbers(state(numbers.PART))
        self._today = today.Today(state(today.PART))
        self.layouts = layouts.Layouts(state(layouts.PART))
        self._companions = companions.Companions(self._settings, state(companions.PART))
        self.proof = Proof(self._settings, state)
        self._visitors = today.Visitors(state(today.VISITORS))
        self.people.restore(state, self._count_person, at)

    @property
    def read_by(self) -> dict[str, str]:
        """What each line's bytes are read with, by device."""
        return {facts.id: facts.read_by for facts in self._settings.devices.values() if facts.read_by}

    def counts(self, at: Moment) -> today.Counts:
        """Return the counts of the business day of ``at``; before the clock is set, those of the last day known."""
        if at.wall_ms < self._settings.built_ms:
            return self._today.counts
        return self._today.of(self._slips.business_day(at))

    def observe(self, device: str, observation: Observation, at: Moment) -> Outcome:
        """Return what an observation of ``device`` means. ``at``: the moment of its last byte.

        Whatever it raises is a defect: give the same observation to ``defect``.
        """
        facts = self._settings.devices[device]
        match observation:
            case Receipt():
                return self._slip(facts, self._slips.receipt(facts, observation, at), at)
            case Record():
                return self._slip(facts, self._slips.record(facts, observation, at), at)
            case Scan():
                noted = Outcome(state=self._companions.scanned(facts, observation.code, at))
                presented = self.people.presented(facts, observation.code, at)
                return combined((self._scan(facts, observation, at), noted, presented))
            case DisplayText():
                return Outcome(state=self._companions.shown(facts, observation, at))
            case Payment():
                return self._paid(facts, observation, at)
            case Advertisement():
                return self.people.advertised(facts, observation, at)
            case TagRead():
                return self.people.tapped(facts, observation, at)
            case TagGone():
                return self.people.taken_away(facts, observation, at)
            case Weight() | Undecoded():
                return Outcome()  # counted where the bytes are read: the device's health shows it

    def defect(self, device: str, observation: Observation, at: Moment) -> Outcome:
        """Return an observation that the rules failed on as unparsed, so that it reaches somebody. Never raises."""
        facts = self._settings.devices[device]
        if not isinstance(observation, Receipt | Record | Scan | Undecoded):
            return Outcome()  # no slip: a tap that is not recorded is tapped again, a display shows the next figure
        return self._slip(facts, self._slips.defect(facts, observation, at), at)

    def _slip(self, facts: DeviceFacts, slip: Slip, at: Moment) -> Outcome:
        if isinstance(slip.data, data.CashMoved):
            assert slip.event is not None
            event = self._draft(facts, slip.event, at, slip.data, f"cash/{uuid7(at.wall_ms)}")
            return Outcome((event,), (self._count(slip, at, None),), slip.captures)
        if slip.report is not None:
            counted = Outcome(state=(self._count(slip, at, None),), captures=slip.captures)
            proved = self.proof.reported(facts, slip.workstation, slip.report, slip.business_day, at)
            return combined((counted, proved))
        if slip.event is None or slip.data is None:
            return Outcome(state=(self._count(slip, at, None),))
        if isinstance(slip.data, data.Unparsed):
            name = slip.data.evidence.capture_sha256 or uuid7(at.wall_ms)
            event = self._draft(facts, slip.event, at, slip.data, f"slip/{name}")
            counted = Outcome((event,), (self._count(slip, at, _COUNTERS[slip.event]),))
            return combined((counted, self._captured(facts, slip, None, event.id, at)))
        return self._order(facts, slip, slip.data, at)

    def _order(self, facts: DeviceFacts, slip: Slip, order: data.Order, at: Moment) -> Outcome:
        """Return what an order leads to that was printed or exported just now."""
        known = self._papers.order_of(slip.paper, at.wall_ms)
        if known is not None and slip.paper.is_certain:
            return Outcome(state=(self._count(slip, at, "duplicates"),))
        workstation = f"{facts.id}/{order.attribution.workstation or ''}"
        number = order.order_no if order.kind in _NUMBERED else None
        check, missing, numbering = self._numbers.check(workstation, number)
        flags = (*order.evidence.flags, *missing, *(("suspected_duplicate",) if known is not None else ()))
        order = msgspec.structs.replace(
            order,
            checks=msgspec.structs.replace(order.checks, receipt_number=check),
            evidence=msgspec.structs.replace(order.evidence, flags=flags),
        )
        assert slip.event is not None
        completed = self._companions.completed(facts, order, at)
        order = completed.order
        kind = "o2o.order.corrected.v1" if completed.revises else slip.event
        event = self._draft(facts, kind, at, order, f"order/{order.order_id}")
        # Last: what cannot be written takes no tap with it. Who taps when a late receipt comes is another customer.
        linked = Outcome() if completed.revises else self.people.sold(facts, order, at)
        captured = self._captured(facts, slip, order, event.id, at)
        about = next((capture.about for capture in captured.captures), b"")
        counter = None if completed.revises else _COUNTERS[slip.event]
        place, payable = self._slips.place(order), self.proof.adds(order)
        state: list[StateChange] = [
            *self._companions.remember(facts, completed, order, about, at),
            *linked.state,
            *self.proof.noted(order, at),
            self._papers.remember(slip.paper, order.order_id, at.wall_ms),
            self._today.count(place, slip.kind, counter, payable),
        ]
        self.seen[slip.kind] += 1
        self.gaps += check == "fail"
        if numbering is not None:
            state.append(self._numbers.remember(workstation, numbering))
        return combined((Outcome((event, *linked.events), tuple(state)), captured))

    def _paid(self, facts: DeviceFacts, payment: Payment, at: Moment) -> Outcome:
        """Return what a payment leads to: mostly nothing but waiting for its receipt."""
        if payment.reference is not None:  # a field map may name a card's number
            payment = replace(payment, reference=self._redactor.redact_code(payment.reference))
        late, state = self._companions.paid(facts, payment, at)
        if late is None:
            return Outcome(state=state)
        order = late.order
        printer = self._settings.devices.get(order.source.device, facts)
        event = self._draft(printer, "o2o.order.corrected.v1", at, order, f"order/{order.order_id}")
        corrected = self._today.correct(self._slips.place(order), self.proof.adds(order))
        noted = (*corrected, *self.proof.noted(order, at))
        return Outcome((event,), (*state, *noted, *rereading.sent_again(late.about, order, at)))

    def _captured(self, facts: DeviceFacts, slip: Slip, sent: data.Order | None, id_: str, at: Moment) -> Outcome:
        """Return a slip's capture, with what must be known to read it again, and what it tells of its layout."""
        about = rereading.about_slip(facts, slip, sent, id_, at, self._settings.built_ms)
        unread = isinstance(slip.data, data.Unparsed)
        captures = tuple(replace(capture, about=about, certain=unread) for capture in slip.captures)
        had_changed = self.layouts.has_changed(facts.id)
        state = self.layouts.seen(facts.id, slip)
        has_changed = self.layouts.has_changed(facts.id)
        events = () if has_changed == had_changed else (self._layout(facts, at, changed=has_changed),)
        return Outcome(events, state, captures)

    def read_again(self, about: About, observation: Receipt | Record, at: Moment) -> Again:
        """Return what a slip that was captured says by the templates of now. ``at``: now.

        Whatever it raises is a defect; nothing is remembered then.
        """
        facts = self._settings.devices[about.device]
        then = about.moment(at)
        if isinstance(observation, Receipt):
            slip = self._slips.receipt(facts, observation, then)
        else:
            slip = self._slips.record(facts, observation, then)
        verdict, order = rereading.judged(about, slip)
        again = Again(verdict)
        if order is not None and isinstance(slip.data, data.Order):
            again = self._order_again(facts, about, slip, slip.data, order, at)
        elif verdict == "seen":
            again = self._till_slip_again(facts, about, slip, at)
        return replace(again, capture=slip.captures[0] if slip.captures else None)

    def _order_again(
        self, facts: DeviceFacts, about: About, slip: Slip, read: data.Order, order: data.Order, at: Moment
    ) -> Again:
        """Return an order that is put right, or made of what was unparsed. ``read``: as the slip alone says it."""
        assert slip.event is not None
        is_new = about.sent is None
        known = self._papers.order_of(slip.paper, about.wall_ms) if slip.paper.is_certain else None
        if is_new and known is not None:
            kept, row = rereading.told(about, facts)
            merged = self._today.reread(Place(about.business_day), slip.kind, "duplicates", was=about.counted_as)
            return Again("merged", Outcome(state=(row, *merged)), kept)
        completed = companions.Completed(order)
        if is_new:
            completed = self._shown(facts, order, about.wall_ms, at)
            order = completed.order
        kind = slip.event if is_new and not completed.revises else "o2o.order.corrected.v1"
        event = self._draft(facts, kind, at, order, f"order/{order.order_id}")
        kept, row = rereading.renewed(about, facts, read, order)
        place, payable = self._slips.place(order), self.proof.adds(order)
        state = [row, *self._companions.remember_again(facts, completed, at), *self.proof.noted(order, at)]
        if slip.paper.is_certain and known is None:
            state.append(self._papers.remember(slip.paper, order.order_id, about.wall_ms))
        if is_new:
            counter = None if completed.revises else _COUNTERS[slip.event]  # what its display showed is counted already
            state += self._today.reread(place, slip.kind, counter, payable, was=about.counted_as)
        else:
            state += self._today.correct(place, payable)
        return Again("read" if is_new else "corrected", Outcome((event,), tuple(state)), kept)

    def _shown(self, facts: DeviceFacts, order: data.Order, wall_ms: int, at: Moment) -> companions.Completed:
        """Return an order that nobody could read before as the sale which its display showed, if that is known."""
        completed = self._companions.read_again(facts, order, wall_ms, at)
        if completed.shown or order.kind not in companions.SALES:
            return completed
        shown = self.proof.provisional(facts.touchpoint, order.business_day, order.totals.payable, wall_ms)
        if shown is None:
            return completed
        order = msgspec.structs.replace(order, order_id=shown[0], revision=shown[1] + 1)
        return companions.Completed(order, revises=True)

    def _till_slip_again(self, facts: DeviceFacts, about: About, slip: Slip, at: Moment) -> Again:
        """Return what was unparsed and is the till's own report, or cash moved; of any other kind only that it is."""
        place = Place(about.business_day)  # the day it was counted on
        if isinstance(slip.data, data.CashMoved):
            event = self._draft(facts, "o2o.cash.moved.v1", at, slip.data, f"cash/{about.id}")
            outcome = Outcome((event,))
        elif slip.report is not None:
            outcome = self.proof.reported(facts, slip.workstation, slip.report, slip.business_day, at)
        elif about.seen == slip.kind:
            return Again("seen")
        else:
            kept, row = rereading.seen(about, facts, slip.kind)
            counted = self._today.reread(place, slip.kind, None, was=about.counted_as)
            return Again("seen", Outcome(state=(row, *counted)), kept)
        kept, row = rereading.told(about, facts)
        counted = self._today.reread(place, slip.kind, None, was=about.counted_as)
        return Again("read", combined((outcome, Outcome(state=(row, *counted)))), kept)

    def tick(self, at: Moment) -> Outcome:
        """Return what the passing of time leads to; to be asked about once a second."""
        return combined((self.people.tick(at), self._unprinted(at), self.proof.tick(at)))

    def answered(self, answers: Sequence[DayAnswer], *, settled: bool) -> Outcome:
        """Take head office's word on business days. ``settled``: it had everything recorded here."""
        return self.proof.answered(answers, settled=settled)

    def _unprinted(self, at: Moment) -> Outcome:
        """Return the provisional orders of sales that no receipt has followed."""
        sales, state = self._companions.unprinted(at)
        outcomes = [Outcome(state=tuple(state))]
        for sale in sales:
            order = self._slips.provisional(sale)
            event = self._draft(sale.facts, "o2o.order.completed.v1", sale.at, order, f"order/{order.order_id}")
            told = self._companions.told(sale, order, at)
            counted = self._today.add(self._slips.place(order), "orders", self.proof.adds(order))
            noted = (told, *self.proof.noted(order, at), counted)
            outcomes.append(Outcome((event,), noted))
        return combined(outcomes)

    def _count_person(self, at: Moment, counter: str, who: str | None) -> tuple[StateChange, ...]:
        day = self._slips.business_day(at)
        if at.wall_ms < self._settings.built_ms:
            day = self._today.counts.business_day or day  # the clock is not set: as with a slip without a date
        place = self._slips.place_on(day, at.wall_ms)
        if who is None:
            return (self._today.add(place, counter),)
        counted = self._visitors.count(who, day, at.wall_ms)
        return (*counted, self._today.add(place, counter)) if counted else ()

    def forget(self, member: str) -> Outcome:
        """Return the deletion of all durable state about somebody."""
        subjects = self.people.subjects_of(member)
        self._companions.forget_orders()
        return combined((self.people.forget(member), Outcome(state=self._visitors.forget(subjects))))

    def _count(self, slip: Slip, at: Moment, counter: str | None) -> StateChange:
        day = slip.business_day
        if at.wall_ms < self._settings.built_ms and isinstance(slip.data, data.Unparsed):
            day = self._today.counts.business_day or day  # the clock is not set and nothing printed says which day
        self.seen[slip.kind] += 1
        return self._today.count(Place(day), slip.kind, counter)

    def _layout(self, facts: DeviceFacts, at: Moment, *, changed: bool) -> Draft:
        what = data.DeviceChanged(device=facts.id, kind=facts.kind, touchpoint=facts.touchpoint)
        if changed:
            what.reason, what.detail = layouts.REASON, layouts.DETAIL
        kind = "o2o.device.degraded.v1" if changed else "o2o.device.up.v1"
        return self._draft(facts, kind, at, what, f"device/{facts.id}")

    def _scan(self, facts: DeviceFacts, scan: Scan, at: Moment) -> Outcome:
        presented = data.CodePresented(
            code=self._redactor.redact_code(scan.code),
            touchpoint=facts.touchpoint,
            occurred_at=iso_time(at.wall_ms, self._settings.zone),
        )
        draft_id = uuid7(at.wall_ms)
        return Outcome((self._draft(facts, "o2o.code.presented.v1", at, presented, f"code/{draft_id}"),))

    def _draft(self, facts: DeviceFacts, kind: str, at: Moment, what: msgspec.Struct, subject: str) -> Draft:
        return draft(self._settings.store, facts.id, facts.touchpoint, kind, at, what, subject)
