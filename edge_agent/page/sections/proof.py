"""The day proof in one line, or the receipts that differ."""

from collections.abc import Iterator

import msgspec

from edge_agent.clock import Moment
from edge_agent.page.money import money
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.times import on_day
from edge_agent.page.words import words
from edge_agent.shop.proof.standing import Standing


class Day(msgspec.Struct, frozen=True):
    """One business day. ``state``: open, waiting, agreed, differs; ``differing``, ``missing``: receipts by number.

    ``sentence``: how the day stands, with what was sold in all if the reader may see amounts.
    """

    business_day: str
    state: str
    sentence: str
    differing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Proof(msgspec.Struct, frozen=True):
    """Today, and the days before it that matter: the last one, and those that differ."""

    today: Day
    earlier: tuple[Day, ...]


def proof(sources: Sources, reader: Reader, now: Moment) -> Proof:
    """Return how the days stand."""
    shop = sources.generation.shop
    today = shop.counts(now).business_day
    off: dict[str, list[str]] = {}
    for key in shop.proof.registers_off(now):
        off.setdefault(key.business_day, []).append(key.workstation)

    def told(standing: Standing) -> Day:
        return _day(sources, reader, standing, today, off.get(standing.business_day, []))

    return Proof(told(shop.proof.standing(today)), tuple(told(day) for day in shop.proof.earlier(today)))


def _day(sources: Sources, reader: Reader, standing: Standing, today: str, off: list[str]) -> Day:
    return Day(
        business_day=standing.business_day,
        state=standing.state,
        sentence=_sentence(sources, reader, standing, today, off),
        differing=standing.differing,
        missing=tuple(_missing(sources, reader, standing)),
    )


def _sentence(sources: Sources, reader: Reader, standing: Standing, today: str, off: list[str]) -> str:
    say = words(reader.language).say
    day = on_day(standing.business_day, today, reader.language)
    if standing.orders == 0 and standing.payable == 0 and standing.state == "open":
        sentence = say("proof.nothing_yet" if standing.business_day == today else "proof.nothing", day=day)
    else:
        orders = say("proof.orders", count=standing.orders)
        if reader.is_manager:
            amount = money(standing.payable, sources.config.store.store.currency, reader.language)
            orders = say("proof.amount", orders=orders, amount=amount)
        sentence = say(f"proof.{_key(standing, today)}", day=day, orders=orders)
    for workstation in off:
        sentence = say("proof.register_differs", sentence=sentence, workstation=_name(sources, workstation))
    return sentence[:1].upper() + sentence[1:]


def _key(standing: Standing, today: str) -> str:
    if standing.state == "differs":
        return "differs_in" if standing.differing else "differs"
    if standing.state == "open":
        return "open" if standing.business_day == today else "open_earlier"
    return standing.state


def _missing(sources: Sources, reader: Reader, standing: Standing) -> Iterator[str]:
    """Yield the missing numbers in words; where several workstations sold, with the name of theirs."""
    several = len(standing.workstations) > 1
    say = words(reader.language).say
    for one in standing.workstations:
        for number in one.missing_numbers:
            # The last one may say how many others there are: "+17" (``shop.proof.missing``).
            text = say("proof.more", count=int(number)) if number.startswith("+") else number
            yield say("proof.at", workstation=_name(sources, one.workstation), number=text) if several else text


def _name(sources: Sources, workstation: str) -> str:
    """Return a workstation's name: as printed, or that of the touchpoint that stands for one."""
    names = {touchpoint.id: touchpoint.name for touchpoint in sources.config.store.touchpoints}
    return names.get(workstation) or workstation
