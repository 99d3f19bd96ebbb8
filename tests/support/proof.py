"""A shop's daily closing proof on its own: orders in, proofs out; its durable rows in a dict, as storage keeps them."""

import hashlib
from collections.abc import Iterable

from msgspec.structs import replace

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.ids import uuid7
from edge_agent.contract.messages import DayAnswer
from edge_agent.receipts.reading import Report
from edge_agent.shop.outcome import Outcome
from edge_agent.shop.proof.proof import QUIET_MS, Proof
from tests.support import golden, slips

TODAY = "2026-11-22"


def order(
    number: str | None,
    payable: int | None = 1600,
    kind: str = "sale",
    *,
    day: str = TODAY,
    workstation: str | None = "03",
    tenders: tuple[tuple[str, int], ...] | None = None,
    change: int = 0,
) -> data.Order:
    """Return an order, paid in cash if not told otherwise."""
    paid = (("cash", (payable or 0) + change),) if tenders is None else tenders
    what = golden.order(kind)
    return replace(
        what,
        order_id=uuid7(slips.at(f"{day}T12:00:00").wall_ms),
        order_no=number,
        business_day=day,
        attribution=data.Attribution(store="sh-0001", touchpoint="till-1", workstation=workstation),
        totals=data.Totals(payable=payable, change=change or None),
        tenders=tuple(data.Tender(number=n, type=t, label=t, amount=a) for n, (t, a) in enumerate(paid, 1)),
    )


def revised(what: data.Order, payable: int) -> data.Order:
    """Return an order's next revision, with another sum."""
    return replace(what, revision=what.revision + 1, totals=data.Totals(payable=payable))


def lines(orders: Iterable[data.Order]) -> list[str]:
    """Return the digest's lines of some orders, worked out from nothing but the contract."""
    highest: dict[str, data.Order] = {}
    for one in orders:
        if one.order_id not in highest or highest[one.order_id].revision < one.revision:
            highest[one.order_id] = one
    return sorted(f"{one.order_id}:{one.revision}:{one.kind}:{one.totals.payable}" for one in highest.values())


def digest(entries: Iterable[str]) -> str:
    """Return the digest of such lines."""
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(entries)).encode()).hexdigest()


def answer(entries: Iterable[str], key: tuple[str, str] = (TODAY, "03"), *, silent: bool = False) -> DayAnswer:
    """Return head office's word when these are its lines; ``silent``: its digest alone."""
    held = list(entries)
    day, workstation = key
    return DayAnswer(business_day=day, workstation=workstation, digest=digest(held), entries=None if silent else held)


class Till:
    """The proof of one shop, with a clock to turn and a restart at any moment."""

    def __init__(self, local: str = f"{TODAY}T12:00:00") -> None:
        self.rows: dict[str, dict[str, bytes]] = {}
        self.orders: list[data.Order] = []
        self.now = slips.at(local)
        self.restart()

    def restart(self) -> None:
        """Forget everything that is not durable."""
        self.proof = Proof(slips.settings(), lambda part: dict(self.rows.get(part, {})))

    def turn_to(self, local: str) -> None:
        """Let the time pass until then."""
        wall_ms = slips.at(local).wall_ms
        uptime_ms = self.now.uptime_ms + wall_ms - self.now.wall_ms
        self.now = Moment(wall_ms, uptime_ms, self.now.boot_id, self.now.quality)

    def wait(self, ms: int = QUIET_MS) -> list[data.DayClosed]:
        """Let so much time pass; return the proofs that brings."""
        self.now = Moment(self.now.wall_ms + ms, self.now.uptime_ms + ms, self.now.boot_id, self.now.quality)
        return self.tick()

    def sell(self, *orders: data.Order) -> None:
        """Enter orders."""
        for one in orders:
            self.orders.append(one)
            self._keep(Outcome(state=self.proof.noted(one, self.now)))

    def report(self, total: int | None, workstation: str | None = "03", day: str = TODAY) -> list[data.DayClosed]:
        """Have the register print its own report; return the proofs."""
        facts = slips.settings().devices[slips.TILL]
        return self._keep(self.proof.reported(facts, workstation, Report(total), day, self.now))

    def tick(self) -> list[data.DayClosed]:
        """Look at the clock; return the proofs that are due."""
        return self._keep(self.proof.tick(self.now))

    def hear(self, *answers: DayAnswer, settled: bool = True) -> None:
        """Take head office's word."""
        self._keep(self.proof.answered(answers, settled=settled))

    def lines(self, key: tuple[str, str] = (TODAY, "03")) -> list[str]:
        """Return the lines of a proof, worked out from all that was sold."""
        return [one for one in lines(self.orders) if self._at(one.split(":")[0]) == key]

    def _at(self, order_id: str) -> tuple[str, str]:
        latest = max((one for one in self.orders if one.order_id == order_id), key=lambda one: one.revision)
        return latest.business_day, latest.attribution.workstation or latest.attribution.touchpoint or ""

    def _keep(self, outcome: Outcome) -> list[data.DayClosed]:
        for change in outcome.state:
            rows = self.rows.setdefault(change.part, {})
            rows.pop(change.key, None)
            if change.value is not None:
                rows[change.key] = change.value
        closed = []
        for event in outcome.events:
            slips.validate(event)
            assert isinstance(event.data, data.DayClosed)
            assert event.subject == f"day/{event.data.business_day}/{event.data.workstation}"
            assert event.partitionkey == "sh-0001/till-1"
            closed.append(event.data)
        return closed
