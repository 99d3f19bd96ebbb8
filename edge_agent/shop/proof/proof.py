"""The books of the last business days, when they are closed, and whether head office's are the same."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta

import structlog
from msgspec.structs import replace

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.messages import DayAnswer
from edge_agent.receipts.reading import Report
from edge_agent.shop.business_day import business_day
from edge_agent.shop.drafts import draft
from edge_agent.shop.outcome import Outcome, StateChange, combined
from edge_agent.shop.proof import books, closings, register
from edge_agent.shop.proof.answers import heard
from edge_agent.shop.proof.books import Books, Entries, Entry, Figures, Key, expires_ms, figures
from edge_agent.shop.proof.closings import DIFFERS, WAITING, Closing, Closings
from edge_agent.shop.proof.comparing import TWIN_MS, born_ms
from edge_agent.shop.proof.missing import missing
from edge_agent.shop.proof.standing import Standing, Standings, own_numbers
from edge_agent.shop.settings import DeviceFacts, ShopSettings

# A receipt that is on the line as the day ends is read to its end, and after a change another often follows (a till's
# backlog, a template that re-reads its captures): one proof tells them all, at the latest after MOST_MS.
QUIET_MS = 10_000
MOST_MS = 60_000

log = structlog.get_logger()


class Proof:
    """Follows every order, at its highest revision, by business day and workstation; its rows are durable state.

    A proof is sent at each report of the register's own, once when the business day has ended, and again when a day
    that was closed changes: by a void or a correction, or by any order once the day has ended.
    """

    def __init__(self, settings: ShopSettings, state: Callable[[str], Mapping[str, bytes]]) -> None:
        """``state`` returns the durable rows of a part, as they were last committed."""
        self._settings = settings
        self._books = Books(state(books.PART))
        self._closings = Closings(state(closings.PART))
        self._standings = Standings(self._books, self._closings)
        self._changed: dict[Key, tuple[int, int]] = {}  # uptime of the first and of the last change not yet told

    # --- what happens in the shop ---

    def noted(self, order: data.Order, at: Moment) -> tuple[StateChange, ...]:
        """Enter an order, or a revision of one, in the books; returns the rows to keep.

        An order of a day that is no longer kept changes nothing.
        """
        if expires_ms(order.business_day, self._settings.built_ms) <= at.wall_ms:
            return ()
        before, entry, row = self._books.enter(order, self._settings.built_ms)
        if entry is None or row is None:
            return ()
        state = [row, *self._touch(entry.key, entry, at)]
        if before is not None and before.key != entry.key:
            state += self._touch(before.key, entry, at)
        return tuple(state)

    def adds(self, order: data.Order) -> int:
        """Return what an order, or a revision of one, adds to its day's amount if it is ``noted`` now: minor units."""
        return self._books.adds(order)

    def reported(
        self, facts: DeviceFacts, workstation: str | None, report: Report, reported_day: str, at: Moment
    ) -> Outcome:
        """Return the proof that a register's own report leads to; none for a second print of it.

        ``workstation``: as printed on the report, ``reported_day``: the business day of its printing. One printed
        before the day's first order may still be about the day before.
        """
        key = self._key_of(facts, workstation, report, reported_day)
        closing = self._closings[key]
        sums = figures(self._books.entries(key))
        if not register.is_reprint(closing, report, sums):
            closing = register.heard(closing, report, sums, self._books.highest)
        elif sums.digest == closing.digest:
            return Outcome()
        closing = replace(closing, touchpoint=facts.touchpoint)
        told = self._close(key, closing, "shift_report", at, facts.id)
        return combined((told, self._aside(Key(key.business_day, facts.touchpoint), key, facts, at)))

    def _aside(self, key: Key, reported: Key, facts: DeviceFacts, at: Moment) -> Outcome:
        """Return the proof of what names no workstation at the same touchpoint, such as platforms' orders."""
        closing = self._closings[key]
        if key == reported or figures(self._books.entries(key)).digest in (closing.digest, figures({}).digest):
            return Outcome()
        return self._close(key, closing, "shift_report", at, facts.id)

    def tick(self, at: Moment) -> Outcome:
        """Return the proofs that are due: of days that have ended, oldest first, and of those that have changed.

        None while the clock stands before the software was built: no day has ended then.
        """
        if at.wall_ms < self._settings.built_ms:
            return Outcome()
        today = self._day(at.wall_ms - QUIET_MS)
        closed = []
        for key in sorted({*self._books, *self._closings}):
            closing = self._closings[key]
            if key.business_day < today and not closing.ended:
                closed.append(self._close(key, replace(closing, ended=True), "day_end", at))
            elif expires_ms(key.business_day, self._settings.built_ms) <= at.wall_ms:
                self._books.drop(key)
                self._closings.drop(key)
            elif closing.stale and self._is_quiet(key, at):
                closed.append(self._close(key, closing, "changed", at))
        return combined(closed) if closed else Outcome()

    def provisional(self, touchpoint: str, day: str, payable: int | None, at_ms: int) -> tuple[str, int] | None:
        """Return order id and revision of the provisional order that stands for a receipt read only now, or None.

        That is one of the same amount that the display of its touchpoint showed at about that time.
        """
        alike = (
            (abs(born_ms(order_id) - at_ms), order_id, entry.revision)
            for key in self._books
            if key.business_day == day
            for order_id, entry in self._books.entries(key).items()
            if entry.provisional and (entry.touchpoint, entry.payable) == (touchpoint, payable)
        )
        away_ms, order_id, revision = min(alike, default=(math.inf, "", 0))
        return (order_id, revision) if away_ms <= TWIN_MS else None

    # --- head office's word ---

    def answered(self, answers: Sequence[DayAnswer], *, settled: bool) -> Outcome:
        """Take head office's word on days; returns the rows to keep, none if that is no news.

        ``settled``: head office had everything recorded here. Without that its word may be about an earlier proof, and
        nothing can be said to be missing: only that it agrees counts.
        """
        state: list[StateChange] = []
        for answer in answers:
            key = Key(answer.business_day, answer.workstation)
            closing = self._closings[key]
            if not closing.digest:
                continue  # of a life of this box before its disk was replaced, or of a day no longer kept
            judged = heard(closing, self._books.entries(key), answer, settled=settled)
            if judged.state != closing.state:
                log.info(
                    "day_answered", business_day=key.business_day, workstation=key.workstation,
                    state=judged.state, differing=judged.differing,
                )  # fmt: skip
            state += self._keep(key, judged)
        return Outcome(state=tuple(state))

    # --- how it stands ---

    def standing(self, day: str) -> Standing:
        """Return how a business day stands."""
        return self._standings.of(day)

    def orders(self, day: str) -> dict[str, bytes]:
        """Return the orders of a business day as ``standing`` counts them now: see ``Books.of_day``."""
        return self._books.of_day(day)

    def earlier(self, day: str) -> tuple[Standing, ...]:
        """Return how the last day before ``day`` stands, and those before it that differ; the latest first."""
        days = sorted({key.business_day for key in {*self._books, *self._closings} if key.business_day < day})
        differ = {key.business_day for key in self.unresolved()}
        return tuple(self.standing(one) for one in reversed(days) if one in differ or one == days[-1])

    def unresolved(self) -> dict[Key, tuple[str, ...]]:
        """Return the receipts that differ by day and workstation; empty where they are not known."""
        found = {key: self._closings[key] for key in sorted(self._closings)}
        return {key: closing.differing for key, closing in found.items() if closing.state == DIFFERS}

    def registers_off(self, at: Moment) -> list[Key]:
        """Return where the register's own report of today or yesterday says something else than the books."""
        recent = {day := self._day(at.wall_ms), _before(day)}
        return sorted(key for key in self._closings if self._closings[key].off and key.business_day in recent)

    # --- closing ---

    def _close(self, key: Key, closing: Closing, cause: str, at: Moment, device: str | None = None) -> Outcome:
        self._changed.pop(key, None)
        entries = self._books.entries(key)
        sums = figures(entries)
        changed = sums.digest != closing.digest
        if cause == "changed" and not changed:
            return Outcome(state=self._keep(key, replace(closing, stale=False)))
        touchpoint = next((entry.touchpoint for entry in reversed(list(entries.values()))), closing.touchpoint)
        what = _closed(key, sums, entries, closing.register, cause)
        subject = f"day/{key.business_day}/{key.workstation}"
        event = draft(self._settings.store, device, touchpoint, "o2o.day.closed.v1", at, what, subject)
        # What differed stays so until head office says that it does not.
        state = WAITING if changed and closing.state != DIFFERS else closing.state
        sent = replace(
            closing, digest=sums.digest, upto=self._books.highest, stale=False, state=state, touchpoint=touchpoint
        )
        return Outcome((event,), self._keep(key, sent))

    def _touch(self, key: Key, entry: Entry, at: Moment) -> tuple[StateChange, ...]:
        """Note that an order has changed a day: another proof may be due, and the register may be right after all."""
        closing = self._closings[key]
        if closing.register is not None and entry.number <= closing.reported:
            sums = figures(self._books.entries(key, closing.reported))
            closing = replace(closing, off=register.difference(closing.register, sums))
        if closing.ended or (closing.digest and (entry.revision > 1 or entry.kind == "void")):
            closing = replace(closing, stale=True)
            first, _ = self._changed.get(key, (at.uptime_ms, 0))
            self._changed[key] = (first, at.uptime_ms)
        return self._keep(key, closing)

    def _is_quiet(self, key: Key, at: Moment) -> bool:
        first, last = self._changed.setdefault(key, (at.uptime_ms, at.uptime_ms))
        return at.uptime_ms - last >= QUIET_MS or at.uptime_ms - first >= MOST_MS

    def _key_of(self, facts: DeviceFacts, workstation: str | None, report: Report, day: str) -> Key:
        """Return what a report is about: on its day, or on the day before where that fits better."""
        today, yesterday = (self._named(facts, workstation, one) for one in (day, _before(day)))
        if self._books.entries(today) or not (entries := self._books.entries(yesterday)):
            return today
        if report.total is None:
            return yesterday
        sums = figures(entries)
        readings = register.readings(self._closings[yesterday], report.total)
        nearest = min(abs(register.difference(reading, sums)) for reading in readings)
        return yesterday if nearest < abs(report.total) else today

    def _at(self, touchpoint: str, day: str) -> Iterator[tuple[Key, Entry]]:
        """Yield the orders of a touchpoint on a business day, with the proof each belongs to."""
        for key in self._books:
            if key.business_day == day:
                here = (entry for entry in self._books.entries(key).values() if entry.touchpoint == touchpoint)
                yield from ((key, entry) for entry in here)

    def _named(self, facts: DeviceFacts, workstation: str | None, day: str) -> Key:
        """Return the workstation a report names; where it names none that sold, the one that did at its touchpoint."""
        named = Key(day, workstation or facts.touchpoint)
        if named in {*self._books}:
            return named
        found = ((entry.number, key) for key, entry in self._at(facts.touchpoint, day))
        return max(found, default=(0, named))[1]

    def _keep(self, key: Key, closing: Closing) -> tuple[StateChange, ...]:
        return self._closings.keep(key, closing, self._settings.built_ms)

    def _day(self, wall_ms: int) -> str:
        return business_day(wall_ms, self._settings.zone, self._settings.business_day_start).isoformat()


def _closed(key: Key, sums: Figures, entries: Entries, total: int | None, cause: str) -> data.DayClosed:
    numbers = own_numbers(entries)
    return data.DayClosed(
        business_day=key.business_day,
        workstation=key.workstation,
        orders=sums.orders,
        returns=sums.returns,
        payable=sums.payable,
        tenders=sums.tenders,
        first_number=numbers[0] if numbers else None,
        last_number=numbers[-1] if numbers else None,
        missing_numbers=missing(numbers),
        register_total=total,
        difference=None if total is None else total - sums.payable,
        digest=sums.digest,
        cause=cause,
    )


def _before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
