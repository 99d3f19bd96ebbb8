"""What a line display's texts say of the sale under way."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from edge_agent.clock import Moment
from edge_agent.observations import DisplayText
from edge_agent.shop.companions.till import Sale, Till
from edge_agent.shop.records import MAX_MINOR
from edge_agent.shop.stamp import Stamp

# Displays are cleared before each text; one that stays empty, or greets, is between two customers.
REST_MS = 1_000
# Registers show a figure twice when they draw a screen twice; no customer is served within that.
REPEAT_MS = 2_000

_FIGURES = {"total", "received", "change"}


@dataclass(slots=True)
class Eye:
    """What was seen since the last figure: nothing that a restart could not do without.

    ``resting``: since when the display has been at rest. ``goods``: the sum of unit prices; None: not known.
    """

    resting: Stamp | None = None
    goods: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What one text means: ``total`` ``received`` ``change`` ``goods`` ``rest``. ``amount``: minor units, if known."""

    what: str
    amount: int | None = None


def sight(text: DisplayText, digits: int) -> Sight | None:
    """Return what a text means, amounts in a currency with so many digits; None: its figure makes no sense."""
    if text.amount is None:
        busy = any(character.isdecimal() for row in text.rows for character in row)
        return Sight("goods" if busy else "rest")
    amount = _minor(text.amount, digits)
    if amount is None:
        return None
    if amount == 0 and text.label != "change":
        return Sight("rest")
    if text.label not in _FIGURES:
        return Sight("goods", amount)
    return Sight(text.label, amount) if amount >= 0 else Sight("goods")  # a refund is shown; the paper tells of it


def rest(till: Till, eye: Eye, at: Moment) -> bool:
    """Note a display that has been at rest for long enough; tell whether that says anything new of the sale."""
    now = till.now
    if now is None or now.rested or eye.resting is None or eye.resting.elapsed_ms(at) < REST_MS:
        return False
    now.rested, now.stamp = True, Stamp.of(at)
    return True


def show(till: Till, eye: Eye, seen: Sight, device: str, at: Moment) -> bool:
    """Take what a display shows into the till; tell whether that is anything to be kept.

    A sale that is left without a receipt waits for one.
    """
    if seen.what == "rest":
        eye.resting = eye.resting or Stamp.of(at)
        return False
    changed = rest(till, eye, at)
    eye.resting = None
    if seen.what == "goods" or seen.amount is None:
        return _goods(till, eye, seen, at) or changed
    return _figure(till, eye, seen.what, seen.amount, device, at) or changed


def _goods(till: Till, eye: Eye, seen: Sight, at: Moment) -> bool:
    eye.goods = None if eye.goods is None or seen.amount is None else eye.goods + seen.amount
    now = till.now
    if now is None or now.goods:
        return False
    if now.total is None:
        till.now = None  # received for what was never a sale
        return True
    now.goods, now.stamp = True, Stamp.of(at)
    return True


def _figure(till: Till, eye: Eye, what: str, amount: int, device: str, at: Moment) -> bool:
    now = till.now
    if now is not None and what == "total" and _grows(now, eye, amount):
        now.goods = False
    elif now is None or _is_next(now, what, amount, at):
        if now is not None and now.is_open:
            now.leads_on = what == "total" and _may_lead_on(now, eye, amount)
            till.waiting.append(now)
        now = till.now = Sale(device, Stamp.of(at), Stamp.of(at))
    elif getattr(now, what) == amount or (what == "total" and now.total is not None):
        return False  # shown again, or what is left to pay
    setattr(now, what, amount)
    now.shown = now.stamp = Stamp.of(at)
    if what == "total":
        eye.goods = 0
    return True


def _is_next(now: Sale, what: str, amount: int, at: Moment) -> bool:
    """Tell whether a figure belongs to the next sale."""
    if now.goods:
        return True
    known = getattr(now, what)
    if known is None:
        return what == "total" and now.rested
    if what != "total":
        complete = now.received is not None and now.change is not None
        return bool(known != amount and (now.rested or complete))
    if amount == known:
        done = now.settled or not now.is_bare
        return now.rested or (done and now.shown.elapsed_ms(at) >= REPEAT_MS)
    return now.rested or now.received is None or amount != known - now.received


def _grows(now: Sale, eye: Eye, amount: int) -> bool:
    """Tell whether a total is the one before with more goods: a subtotal, then what it had been forgotten."""
    unpaid = now.is_open and now.is_bare and not now.rested and now.goods
    return bool(unpaid and eye.goods is not None and now.total is not None and amount == now.total + eye.goods)


def _may_lead_on(now: Sale, eye: Eye, amount: int) -> bool:
    """Tell whether it may do so, though the goods shown do not add up: there are weights and quantities."""
    grown = now.is_bare and not now.rested and now.goods and now.total is not None and amount > now.total
    return bool(grown and eye.goods is not None and eye.goods != amount)


def _minor(text: str, digits: int) -> int | None:
    try:
        minor = Decimal(text).scaleb(digits)
    except InvalidOperation:
        return None
    if not minor.is_finite() or abs(minor) > MAX_MINOR or minor != minor.to_integral_value():
        return None
    return int(minor)
