"""The failure matrix: what each fault costs a shop, as one row of docs/reliability.md."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from edge_agent.simulator import central_reading
from tests.support.shop import ShopUnderTest, difference

PROPERTY = "fault"  # of a test's report: how a row comes from a worker's process to the table
_COUNTS = ("recorded", "confirmed", "lost", "doubled", "destroyed")
PATIENCE_S = 90.0  # the longest pause between two attempts is 60 s; only ends a test that would otherwise hang


@dataclass(frozen=True, slots=True)
class Row:
    """What one fault came to.

    ``recorded``: sequences the agent has given out, over all epochs. ``confirmed``: those that head office holds or
    has a gap event for. ``lost``: orders the register printed and head office does not hold as printed, less those
    that damage destroyed and that were told; and sequences nobody can account for. ``doubled``: orders head office
    counts twice, or holds and nobody printed. ``destroyed``: what damage destroyed, named by gap events and
    ``recovered``. ``heal_s``: from the moment the cause is gone until the books are equal and nothing waits.
    """

    group: str
    fault: str
    recorded: int
    confirmed: int
    lost: int
    doubled: int
    destroyed: int
    heal_s: float

    def told(self) -> str:
        return json.dumps(asdict(self))

    def with_(self, other: "Row") -> "Row":
        """Return both as one: all that was counted, and the longer time."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        return replace(self, **counts, heal_s=max(self.heal_s, other.heal_s))


@dataclass(frozen=True, slots=True)
class Books:
    """The register's books beside head office's; for what no register counts, what happened beside what is told."""

    printed: Mapping[str, int]
    held: Mapping[str, int]
    twice: int  # orders held under the same number again

    @classmethod
    def counting(cls, happened: Iterable[str], told: Iterable[str]) -> "Books":
        """Return the books of taps, visits …: each name once in ``happened``, in ``told`` as often as it is held."""
        counts = Counter(told)
        return cls(dict.fromkeys(happened, 1), dict.fromkeys(counts, 1), sum(counts.values()) - len(counts))

    @classmethod
    def of(cls, shop: ShopUnderTest) -> "Books":
        held: dict[str, int] = {}
        twice = 0
        for order in central_reading.orders(shop.store.database).values():
            number = order.order_no or "unread"
            twice += number in held
            held[number] = order.payable if order.payable is not None else -1
        return cls(dict(shop.printed), held, twice)

    @property
    def lost(self) -> int:
        return sum(self.held.get(number) != payable for number, payable in self.printed.items())

    @property
    def doubled(self) -> int:
        return self.twice + len(self.held.keys() - self.printed.keys())


class Fault:
    """One fault of the matrix. The test does the harm and the mending; ``settled`` judges what became of the shop."""

    def __init__(self, group: str, name: str, keep: Callable[[Row], None]) -> None:
        self._group = group
        self._name = name
        self._keep = keep
        self._mended_at: float | None = None

    def mended(self) -> None:
        """Say that the cause is gone now: from here on the shop heals by itself."""
        self._mended_at = asyncio.get_running_loop().time()

    def kept(self, *, recorded: int, confirmed: int) -> None:
        """Keep a row of a test below the shop, which itself has asserted that nothing is lost or doubled."""
        self._keep(Row(self._group, self._name, recorded, confirmed, 0, 0, 0, 0.0))

    async def settled(
        self,
        shop: ShopUnderTest,
        *,
        destroyed: int = 0,
        patience: float = PATIENCE_S,
        books_of: Callable[[ShopUnderTest], Books] = Books.of,
    ) -> Row:
        """Wait until the books are equal and nothing waits; keep the row. Fails where anything is lost or doubled.

        ``destroyed``: how many orders damage to a file has destroyed, as gap events and ``recovered`` have told.
        ``books_of``: what is compared, where it isn't a register's orders.
        """
        loop = asyncio.get_running_loop()
        began = self._mended_at if self._mended_at is not None else loop.time()
        try:
            async with asyncio.timeout(patience):
                while True:
                    # Judged is what was seen settled: a moment later the agent may have something to say again.
                    books, (recorded, confirmed) = books_of(shop), await _sequences(shop)
                    if books.lost <= destroyed and recorded == confirmed:
                        break
                    await asyncio.sleep(0.05)
        except TimeoutError:  # the row says what is wrong
            books, (recorded, confirmed) = books_of(shop), await _sequences(shop)
        heal_s = loop.time() - began
        lost = max(0, books.lost - destroyed) + max(0, recorded - confirmed)
        row = Row(self._group, self._name, recorded, confirmed, lost, books.doubled, destroyed, round(heal_s, 1))
        assert row.lost == 0, f"{row}: {difference(books.printed, books.held)}; {shop.log[-5:]}"
        assert row.doubled == 0, f"{row}: {difference(books.printed, books.held)}"
        assert books.printed, "a fault that met no sale shows nothing"
        self._keep(row)
        return row


async def _sequences(shop: ShopUnderTest) -> tuple[int, int]:
    """Return how many sequences the agent has given out, and how many head office holds, over all epochs."""
    epoch, last = await _of_this_epoch(shop)
    recorded = confirmed = 0
    marks = central_reading.watermarks(shop.store.database)
    for (_, of, stream), mark in marks.items():
        confirmed += mark.upto
        recorded += max(mark.upto, last.pop(stream, 0)) if of == epoch else mark.upto
    return recorded + sum(last.values()), confirmed


async def _of_this_epoch(shop: ShopUnderTest) -> tuple[str, dict[str, int]]:
    try:
        epoch = (await shop.status())["epoch"]
        async with aiohttp.ClientSession() as session, session.get(f"{shop.url}metrics") as response:
            text = await response.text()
    except aiohttp.ClientError:  # the agent is just starting
        return "", {"unknown": 1}
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return epoch, {s.labels["stream"]: int(s.value) for s in samples if s.name == "edge_agent_recorded_total"}


_HEAD = ("fault", "recorded", "confirmed", "lost", "doubled", "destroyed, told", "heals in s")


def table(rows: list[Row]) -> str:
    """Return the rows as Markdown, in the order of their groups and names."""
    cells = [
        (f"{row.group}: {row.fault}", row.recorded, row.confirmed, row.lost, row.doubled, row.destroyed, row.heal_s)
        for row in sorted(rows, key=lambda row: (row.group, row.fault))
    ]
    lines = [_HEAD, ("---", *("---:" for _ in _HEAD[1:])), *cells]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
