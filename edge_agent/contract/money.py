"""Amounts as they go over the wire: whole minor units of an ISO 4217 currency."""

# ISO 4217, minor unit, of the currencies without cents and of those with mils; all others of the trade have two digits.
_NO_CENTS = frozenset({"JPY", "KRW", "VND", "CLP", "ISK", "PYG", "UGX"})
_MILS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def minor_digits(currency: str) -> int:
    """Return how many decimals a currency's amounts have."""
    if currency in _NO_CENTS:
        return 0
    return 3 if currency in _MILS else 2


def decimal(minor: int, currency: str) -> str:
    """Return an amount as a plain number: 842000 CNY: "8420.00", -500 JPY: "-500", 1250 KWD: "1.250"."""
    digits = minor_digits(currency)
    units, rest = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{units}" + (f".{rest:0{digits}}" if digits else "")
