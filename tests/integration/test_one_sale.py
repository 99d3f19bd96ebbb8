"""A till's printer and display, each on its own cable: one sale is one order, with paper and without."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.contract.events import CloudEvent, Stream
from edge_agent.contract.frames import decode_events
from edge_agent.shop import companions
from edge_agent.shop.companions.till import Till
from edge_agent.simulator.virtual_store import STORE_TOML
from edge_agent.storage import Storage
from tests.support.counter import slip
from tests.support.generation import configure, running
from tests.support.pty import Cable
from tests.support.storage import frames, until

# Long enough for the test to print in between on a busy machine, short enough to wait for.
STORE = (
    STORE_TOML
    + """
[[device]]
id = "till-1-display"
kind = "serial"
touchpoint = "till-1"
port = "display-1"
baudrate = 2400
decoder = "linedisplay"
dialect = "led8"
idle_end = "50ms"

[till]
provisional_after = "{after}"
"""
)
LAMPS = {"unit_price": b"1", "total": b"2", "received": b"3", "change": b"4"}


@dataclass
class Cables:
    printer: Cable
    display: Cable

    async def print(self, text: str) -> None:
        await self.printer.write(b"\x1b@\x1c&" + text.replace("\n", "\r\n").encode("gb18030") + b"\x1dV\x42\x00")

    async def show(self, *figures: str) -> None:
        for label, _, amount in (figure.partition(" ") for figure in figures):
            await self.display.write(b"\x1bs" + LAMPS[label] + b"\x1bQA" + amount.encode() + b"\r")


@pytest.fixture
def cables(tmp_path: Path) -> Iterator[Cables]:
    cables = Cables(Cable(tmp_path / "till-1"), Cable(tmp_path / "display-1"))
    for cable in (cables.printer, cables.display):
        cable.plug()
    yield cables
    for cable in (cables.printer, cables.display):
        cable.close()


async def orders(storage: Storage) -> list[tuple[str, dict[str, Any]]]:
    events: list[CloudEvent] = [
        event for frame in await frames(storage, Stream.ORDERS) for event in decode_events(frame.body, frame.encoding)
    ]
    about = (event for event in events if event.type.startswith("o2o.order."))
    return [(event.type.split(".")[2], msgspec.json.decode(event.data)) for event in about]


def has_shown(storage: Storage, change: int) -> Callable[[], bool]:
    """Return whether the change is known of the till, and on the disk."""

    def known() -> bool:
        row = storage.state(companions.PART).get("till-1")
        till = msgspec.msgpack.decode(row, type=Till) if row else Till()
        return till.now is not None and till.now.change == change

    return known


def sums(order: dict[str, Any]) -> tuple[int, int | None, int | None]:
    return order["totals"]["payable"], order["totals"]["tendered"], order["totals"]["change"]


async def test_display_and_printer_tell_of_one_sale(tmp_path: Path, cables: Cables) -> None:
    config = configure(tmp_path, store=STORE.format(after="1h"))
    async with running(config) as shop:
        await cables.show("unit_price 16.00", "total 16.00", "received 20.00", "change 4.00")
        await until(has_shown(shop.storage, 400))
    async with running(config) as shop:  # another life, in the middle of the sale
        await cables.print(slip("16.00", number="20261122000137"))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
        ((kind, order),) = await orders(shop.storage)
    assert (kind, sums(order), order["evidence"]["flags"]) == ("completed", (1600, 2000, 400), [])


async def test_a_sale_without_paper_is_an_order_that_late_paper_completes(tmp_path: Path, cables: Cables) -> None:
    config = configure(tmp_path, store=STORE.format(after="1s"))
    async with running(config) as shop:
        await cables.show("unit_price 16.00", "total 16.00", "received 20.00", "change 4.00")
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
    async with running(config) as shop:
        await cables.print(slip("16.00", number="20261122000137"))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 2)
        (_, shown), (kind, printed) = await orders(shop.storage)
        assert shop.generation.shop.counts(shop.clock.now()).orders == 1
    assert (shown["evidence"]["flags"], shown["lines"]) == (["provisional"], [])
    assert (kind, printed["order_id"], printed["revision"]) == ("corrected", shown["order_id"], 2)
    assert (sums(printed), len(printed["lines"]), printed["evidence"]["flags"]) == ((1600, 2000, 400), 1, [])
