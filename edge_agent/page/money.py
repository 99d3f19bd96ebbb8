"""Amounts as a person in the shop reads them."""

from edge_agent.contract.money import minor_digits
from edge_agent.page.words import words

_NO_BREAK = "\u00a0"


def money(minor: int, currency: str, language: str) -> str:
    """Return an amount: ``minor`` units of an ISO 4217 currency; 842000 CNY: "¥8,420.00", -500 JPY: "-JP¥500"."""
    digits = minor_digits(currency)
    try:
        symbol = words(language).say(f"money.{currency}")
    except KeyError:
        symbol = f"{currency}{_NO_BREAK}"
    units, rest = divmod(abs(minor), 10**digits)
    decimals = f".{rest:0{digits}}" if digits else ""
    return f"{'-' if minor < 0 else ''}{symbol}{units:,}{decimals}"
