"""What is known of each business day and workstation beside its orders: what was sent, asked and answered."""

from collections.abc import Iterator, Mapping

import msgspec

from edge_agent.shop.outcome import StateChange
from edge_agent.shop.proof.books import Key, expires_ms
from edge_agent.shop.rows import readable

PART = "day"

OPEN, WAITING, AGREED, DIFFERS = "open", "waiting", "agreed", "differs"


class Closing(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one proof stands.

    ``digest``: of the last one sent, empty: none was; ``upto``: the number of the latest order it covers. ``ended``:
    the one of the day's end has been sent. ``stale``: the day has changed in a way that calls for another.
    ``state``: by head office's word on the last one; ``differing``: the receipts that differ, by number.
    ``register``: what the register's reports say it took on the day; ``report``: the last of them, and ``reported``,
    the number of the latest order before it; ``off``: what the register had more than the books then.
    """

    digest: str = ""
    upto: int = 0
    ended: bool = False
    stale: bool = False
    state: str = OPEN
    differing: tuple[str, ...] = ()
    touchpoint: str = ""
    register: int | None = None
    report: bytes = b""
    reported: int = 0
    off: int = 0


class Closings:
    """The closings by day and workstation; its rows are durable state."""

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``, by ``business_day/workstation``."""
        self._by_key = {Key(*name.split("/", 1)): closing for name, closing in readable(rows, Closing) if "/" in name}

    def __iter__(self) -> Iterator[Key]:
        """Yield every day and workstation that something is known of."""
        return iter(self._by_key)

    def __getitem__(self, key: Key) -> Closing:
        """Return how a proof stands; one never heard of is open."""
        return self._by_key.get(key, _NONE)

    def keep(self, key: Key, closing: Closing, not_before_ms: int) -> tuple[StateChange, ...]:
        """Take a closing's new form; returns the rows to keep, none where it is as it was."""
        if self[key] == closing:
            return ()
        self._by_key[key] = closing
        expires = expires_ms(key.business_day, not_before_ms)
        return (StateChange(PART, "/".join(key), msgspec.msgpack.encode(closing), expires),)

    def drop(self, key: Key) -> None:
        """Let go of a day whose rows have expired."""
        self._by_key.pop(key, None)


_NONE = Closing()
