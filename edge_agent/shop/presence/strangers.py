"""Strangers' names: a keyed hash of the address, with a key that lives for a day at most."""

import hmac

_DAY_MS = 86_400_000


class DayKey:
    """The key that names strangers. It is in memory only; the next day's overwrites it and doesn't lead back to it."""

    def __init__(self, key: bytes) -> None:
        """``key``: of the first day; random, and never written anywhere."""
        self._key = bytearray(key)
        self._day: int | None = None

    def name(self, address: str) -> bytes:
        """Return today's name of an address: HMAC-SHA-256 of it."""
        return hmac.digest(self._key, address.encode(), "sha256")

    def turn(self, wall_ms: int) -> bool:
        """Derive the next key if the day (UTC) is another; tell whether it is. One day's names mean nothing then."""
        day = wall_ms // _DAY_MS
        if day == self._day:
            return False
        is_first, self._day = self._day is None, day
        if not is_first:
            self._key[:] = hmac.digest(self._key, b"next day", "sha256")
        return not is_first
