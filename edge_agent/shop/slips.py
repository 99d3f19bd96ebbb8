"""One printed slip or exported record, read: an order, a slip that is only seen, or text nobody understands."""

from dataclasses import dataclass, replace
from datetime import datetime

from edge_agent import receipts
from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.events import iso_time
from edge_agent.contract.ids import uuid7
from edge_agent.observations import Decoded, DisplayText, Payment, Receipt, Record, Scan, Undecoded, Weight
from edge_agent.receipts.codes import links
from edge_agent.receipts.reading import Reading, Report
from edge_agent.redact import Redactor
from edge_agent.shop.business_day import business_day, hour_of
from edge_agent.shop.captures import capture_of, record_capture
from edge_agent.shop.companions import Unprinted
from edge_agent.shop.journey import mode
from edge_agent.shop.outcome import Capture
from edge_agent.shop.papers import Paper
from edge_agent.shop.records import RecordError, reading_of, redacted_fields
from edge_agent.shop.settings import DeviceFacts, ShopSettings
from edge_agent.shop.today import Place

# Slips that are orders, and the event each makes. Any other kind is seen and counted, or has no event of its own yet.
_ORDER_EVENTS = {
    "sale": "o2o.order.completed.v1",
    "top_up": "o2o.order.completed.v1",
    "delivery_slip": "o2o.order.completed.v1",
    "return": "o2o.order.returned.v1",
    "void": "o2o.order.voided.v1",
}
_SEEN_ONLY = {"prebill", "reprint", "kitchen", "merchant_copy"}

_STATES = {
    "sale": data.States(order="completed", payment="paid", fulfilment="handed_over", after_sale="none"),
    "return": data.States(order="completed", payment="refunded", fulfilment="returned", after_sale="refunded"),
    "void": data.States(order="cancelled", payment="void", fulfilment="none", after_sale="none"),
    "delivery_slip": data.States(order="accepted", payment="paid", fulfilment="pending", after_sale="none"),
}

# Receipt flags that say there is nothing to read, worst first; each is the reason of an unparsed event.
_UNREADABLE = ("star", "foreign", "image_only")


@dataclass(frozen=True, slots=True)
class Slip:
    """A slip, read. ``event``: the type it is sent as, or None where it is only seen.

    ``report``: what a register's own report says, and ``workstation``, which one's it is.
    """

    kind: str
    data: data.Order | data.Unparsed | data.CashMoved | None
    event: str | None
    paper: Paper
    business_day: str
    captures: tuple[Capture, ...] = ()
    report: Report | None = None
    workstation: str | None = None


class SlipReader:
    """Reads slips with the shop's facts; remembers nothing."""

    def __init__(self, settings: ShopSettings, redactor: Redactor) -> None:
        self._settings = settings
        self._redactor = redactor

    def business_day(self, at: Moment) -> str:
        """Return the business day (ISO date) that a moment belongs to."""
        return business_day(at.wall_ms, self._settings.zone, self._settings.business_day_start).isoformat()

    def place(self, order: data.Order) -> Place:
        """Return where an order counts among the day's figures."""
        completed_ms = round(datetime.fromisoformat(order.completed_at).timestamp() * 1000)
        return self.place_on(order.business_day, completed_ms)

    def place_on(self, day: str, wall_ms: int) -> Place:
        """Return where something counts that is of a business day and came at a moment (Unix milliseconds)."""
        return Place(day, hour_of(wall_ms, day, self._settings.zone, self._settings.business_day_start))

    def receipt(self, facts: DeviceFacts, receipt: Receipt, at: Moment) -> Slip:
        """Return what a printed slip is. Personal data is redacted before anything looks at the text."""
        redacted = self._redactor.redact_lines(receipt.lines, receipt.barcodes)
        sha256, captures = capture_of(self._redactor, receipt.raw, redacted)
        unreadable = next((flag for flag in _UNREADABLE if flag in receipt.flags), None)
        templates = () if unreadable else facts.templates
        reading = receipts.read(redacted.lines, templates, self._settings.currency, redacted.codes)
        if reading is not None and "garbled" in receipt.flags:
            reading = _unproved(reading)
        refusal = unreadable or _refusal(reading)
        evidence = data.Evidence(
            decoder=facts.decoder,
            template=reading.template if reading else None,
            capture_sha256=sha256,
            unparsed=redacted.codes if refusal else reading.unparsed if reading else (),
            flags=(*receipt.flags, *(reading.flags if reading else ())),
            links=links(redacted.codes),
        )
        body = receipts.body_key(redacted.lines)
        if reading is None or refusal:
            return self._unparsed(facts, redacted.lines, refusal or "", evidence, body, at, captures)
        return self._slip(facts, reading, evidence, body, at, captures)

    def record(self, facts: DeviceFacts, record: Record, at: Moment) -> Slip:
        """Return what an exported record is; a record whose figures make no sense is unparsed, with its text."""
        fields, redacted = redacted_fields(self._redactor, record.fields)
        text, sha256, captures = record_capture(self._redactor, record.raw, redacted)
        evidence = data.Evidence(decoder=facts.decoder, template=None, capture_sha256=sha256)
        body = "\n".join(text)
        try:
            reading = reading_of(fields, self._settings.currency)
        except RecordError as error:
            return self._unparsed(facts, text, f"record: {error}", evidence, body, at, captures)
        return self._slip(facts, reading, evidence, body, at, captures)

    def defect(self, facts: DeviceFacts, observation: Decoded, at: Moment) -> Slip:
        """Return what the rules failed on as unparsed, with its text unless redacting itself fails. Never raises."""
        text, sha256, captures = self._redacted_only(observation)
        evidence = data.Evidence(decoder=facts.decoder, template=None, capture_sha256=sha256)
        return self._unparsed(facts, text, "defect", evidence, "", at, captures)

    def _redacted_only(self, observation: Decoded) -> tuple[tuple[str, ...], str | None, tuple[Capture, ...]]:
        try:
            match observation:
                case Receipt():
                    redacted = self._redactor.redact_lines(observation.lines, observation.barcodes)
                    sha256, captures = capture_of(self._redactor, observation.raw, redacted)
                    return tuple(map(_storable, (*redacted.lines, *redacted.codes))), sha256, captures
                case Record():
                    _, redacted = redacted_fields(self._redactor, observation.fields)
                    text, sha256, captures = record_capture(self._redactor, observation.raw, redacted)
                    return tuple(map(_storable, text)), sha256, captures
                case Scan():
                    return (_storable(self._redactor.redact_code(observation.code)),), None, ()
                case DisplayText() | Payment() | Weight() | Undecoded():
                    return (), None, ()
        except Exception:  # noqa: BLE001 - a defect in redaction: no text is better than a telephone number
            return (), None, ()

    def _slip(
        self,
        facts: DeviceFacts,
        reading: Reading,
        evidence: data.Evidence,
        body: str,
        at: Moment,
        captures: tuple[Capture, ...],
    ) -> Slip:
        if reading.report is not None or reading.cash is not None:
            return self._till_slip(facts, reading, evidence, at, captures)
        printed_at = reading.printed_at.isoformat() if reading.printed_at else None
        order = self._order(facts, reading, evidence, printed_at, at)
        platform = reading.kind == "delivery_slip" and reading.number is not None
        # 商家联 顾客联 骑手联 of one order say different things: the platform's number alone makes them one.
        paper = Paper(self._settings.store, reading.number, printed_at, order.channel.id if platform else body)
        return Slip(reading.kind, order, _ORDER_EVENTS.get(reading.kind), paper, order.business_day, captures)

    def _till_slip(
        self, facts: DeviceFacts, reading: Reading, evidence: data.Evidence, at: Moment, captures: tuple[Capture, ...]
    ) -> Slip:
        """Return a slip that is about the till and no order: its own report, or money moved without a sale."""
        completed_ms = self._completed_ms(reading.printed_at, at)
        day = self._day(completed_ms)
        printed_at = reading.printed_at.isoformat() if reading.printed_at else None
        paper = Paper(self._settings.store, reading.number, printed_at, "")
        workstation = reading.workstation
        if reading.cash is None:
            return Slip(reading.kind, None, None, paper, day, captures, reading.report, workstation)
        moved = data.CashMoved(
            direction=reading.cash.direction,
            amount=reading.cash.amount,
            currency=self._settings.currency,
            reason=reading.cash.reason,
            touchpoint=facts.touchpoint,
            workstation=workstation,
            cashier=reading.cashier,
            business_day=day,
            occurred_at=iso_time(completed_ms, self._settings.zone),
            evidence=evidence,
        )
        return Slip(reading.kind, moved, "o2o.cash.moved.v1", paper, day, captures, None, workstation)

    def provisional(self, sale: Unprinted) -> data.Order:
        """Return the order of a sale that was shown and not printed: no lines, and nothing that was not shown."""
        totals = data.Totals(payable=sale.payable, tendered=sale.tendered, change=sale.change)
        tenders = (sale.tender,) if sale.tender else ()
        reading = Reading(
            "sale", None, None, sale.workstation, None, None, None, None, None, None, (), totals, tenders,
            "unknown", _tenders_check(sale), "",
        )  # fmt: skip
        evidence = data.Evidence(decoder=sale.facts.decoder, template=None, capture_sha256=None, flags=("provisional",))
        return self._order(sale.facts, reading, evidence, None, sale.at)

    def _order(
        self,
        facts: DeviceFacts,
        reading: Reading,
        evidence: data.Evidence,
        printed_at: str | None,
        at: Moment,
    ) -> data.Order:
        completed_ms = self._completed_ms(reading.printed_at, at)
        completed_at = iso_time(completed_ms, self._settings.zone)
        journey = (data.Hop(end="store", touchpoint=facts.touchpoint, at=completed_at),)
        channel = reading.channel or "in_store"
        owner = self._settings.tenant if channel == "in_store" else channel
        return data.Order(
            order_id=uuid7(at.wall_ms),
            order_no=reading.number,
            revision=1,
            kind=reading.kind,
            mode=mode(journey),
            journey=journey,
            source=data.Source(system="register", device=facts.id, order_no=reading.number),
            channel=data.Channel(id=channel, owner=owner),
            attribution=data.Attribution(
                store=self._settings.store,
                touchpoint=facts.touchpoint,
                workstation=reading.workstation,
                cashier=reading.cashier,
            ),
            business_day=self._day(completed_ms),
            completed_at=completed_at,
            printed_at=printed_at,
            currency=self._settings.currency,
            lines=reading.lines,
            totals=reading.totals,
            tenders=reading.tenders,
            states=_STATES.get(reading.kind, _STATES["sale"]),
            checks=data.Checks(lines=reading.lines_check, tenders=reading.tenders_check),
            evidence=evidence,
            member=reading.member,
            pickup_code=reading.pickup_code,
            invoice=reading.invoice,
            original_order_no=reading.original_number,
        )

    def _unparsed(
        self,
        facts: DeviceFacts,
        text: tuple[str, ...],
        reason: str,
        evidence: data.Evidence,
        body: str,
        at: Moment,
        captures: tuple[Capture, ...],
    ) -> Slip:
        day = self.business_day(at)
        unparsed = data.Unparsed(
            device=facts.id,
            touchpoint=facts.touchpoint,
            business_day=day,
            completed_at=iso_time(at.wall_ms, self._settings.zone),
            text=text,
            reason=reason,
            evidence=evidence,
        )
        paper = Paper(self._settings.store, None, None, body)
        return Slip("unparsed", unparsed, "o2o.order.unparsed.v1", paper, day, captures)

    def _completed_ms(self, printed_at: datetime | None, at: Moment) -> int:
        """Return when the order was completed: the agent's clock, unless it stands before the software was built."""
        if at.wall_ms >= self._settings.built_ms or printed_at is None:
            return at.wall_ms
        return round(printed_at.replace(tzinfo=self._settings.zone).timestamp() * 1000)

    def _day(self, wall_ms: int) -> str:
        return business_day(wall_ms, self._settings.zone, self._settings.business_day_start).isoformat()


def _refusal(reading: Reading | None) -> str | None:
    """Return why a slip makes no order and is not one of those only seen, or None."""
    if reading is None:
        return "no_template"
    if reading.kind in _SEEN_ONLY or (reading.kind == "cash_in_out" and not reading.unparsed):
        return None  # a drawer that was only opened moved nothing
    if reading.report is not None or reading.cash is not None:
        return None
    if reading.kind not in _ORDER_EVENTS:
        return reading.kind
    return "no_total" if reading.totals.payable is None else None


def _unproved(reading: Reading) -> Reading:
    """Return what a garbled slip says, of which sums that add up prove nothing.

    Of a thousand pairs of slips mixed on one line, five added up to an amount that neither of them said.
    """
    return replace(reading, lines_check=_doubted(reading.lines_check), tenders_check=_doubted(reading.tenders_check))


def _doubted(check: str) -> str:
    return "unknown" if check == "pass" else check


def _tenders_check(sale: Unprinted) -> str:
    """Return whether the figures shown prove how a sale was paid; one that was worked out proves nothing."""
    if sale.tender is None or (sale.tender.type == "cash" and (sale.tendered is None or sale.change is None)):
        return "unknown"
    return "pass" if sale.tender.amount - (sale.change or 0) == sale.payable else "fail"


def _storable(text: str) -> str:
    """Return text as UTF-8 can hold it: a half surrogate may be what the rules failed on."""
    return text.encode("utf-8", "replace").decode()
