"""What happens to the cables and the readers around a till: afterwards head office's books equal the register's.

A tap only listens: what a register prints while the tap's cable is out is lost by nature. So the registers here hold
their tape meanwhile, as one with flow control does: everything else has to arrive, once.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support import uart
from tests.support.matrix import Books, Fault
from tests.support.noise import interleaved
from tests.support.process import Usage
from tests.support.pushing import TRUSTING_TOML, HeadOffice, store_config, with_device
from tests.support.shop import ShopUnderTest, shop_under_test
from tests.support.till import Terminal, Till

LONG = bool(os.environ.get("EDGE_AGENT_SEEDS"))
UNPLUGS = 100 if LONG else 5
FLOOD_S = 60.0 if LONG else 2.5
BAUDRATE = 115_200
BYTES_PER_S = BAUDRATE // 10  # 8N1: ten bits a byte
BEFORE, DURING, AFTER = 3, 10, 3  # receipts
NOISY = 20  # receipts at a wrong rate: what a till prints in half an hour
SENT = 9600  # what is sent so much slower than it is read is NUL after NUL
PAIRS = 50 if LONG else 3
MIXED = 20261123  # the same pairs each time: 3 in 8,000 prove an amount nobody charged (docs/noise.md)

MORE_TILLS = """
[[touchpoint]]
id = "till-{n}"

[[device]]
id = "till-{n}-printer"
kind = "serial"
touchpoint = "till-{n}"
port = "till-{n}"
baudrate = 115200
decoder = "escpos"
encoding = "gb18030"
"""
DISPLAY = """
[[device]]
id = "till-1-display"
kind = "serial"
touchpoint = "till-1"
port = "till-1-display"
baudrate = 2400
decoder = "linedisplay"
dialect = "led8"
"""


@contextmanager
def plugged(*ports: Path) -> Iterator[list[Terminal]]:
    terminals = [Terminal(port) for port in ports]
    for terminal in terminals:
        terminal.plug()
    try:
        yield terminals
    finally:
        for terminal in terminals:
            terminal.close()


def state(status: dict[str, Any], name: str) -> str:
    return next(str(device["state"]) for device in status["devices"] if device["id"] == name)


@pytest.mark.fault("devices", "cable pulled in the middle of a receipt, and put back")
async def test_unplugged(shop: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    # A receipt that waits for its cable longer than this would be two halves: by silence, not by the fault.
    shop.store.configure(store=STORE_TOML + 'idle_end = "30s"\n')
    till = Till(shop.printed, rng)
    with plugged(shop.store.port) as (terminal,):
        await shop.central()
        await shop.agent()
        await shop.until_up()
        for _ in range(UNPLUGS):
            await terminal.write(till.ring())
            whole = till.ring()
            cut = rng.randrange(1, len(whole))
            await terminal.write(whole[:cut])
            await terminal.drained()
            terminal.unplug()
            await shop.until_status(lambda status: state(status, "till-1-printer") == "down")
            terminal.plug()
            await terminal.write(whole[cut:])
        fault.mended()
        await terminal.write(till.ring())
        await fault.settled(shop)


@pytest.mark.fault("devices", "the cables of two tills exchanged")
async def test_swapped_tills(shop: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    """What a port reads belongs to the port's touchpoint: its name says where it is plugged in (by-path)."""
    shop.store.configure(store=STORE_TOML + MORE_TILLS.format(n=2))
    till = Till(shop.printed, rng)
    sold: dict[str, set[str]] = {"till-1": set(), "till-2": set()}
    with plugged(shop.store.port, shop.store.folder / "till-2") as terminals:
        await shop.central()
        await shop.agent()
        await shop.until_up()

        async def sell(touchpoint: str, terminal: Terminal) -> None:
            before = set(shop.printed)
            await terminal.write(till.ring())
            sold[touchpoint] |= shop.printed.keys() - before

        for _ in range(DURING):
            await sell("till-1", terminals[0])
            await sell("till-2", terminals[1])
        for terminal in terminals:
            await terminal.drained()
            terminal.unplug()
        for terminal, port in zip(terminals, reversed([shop.store.port, shop.store.folder / "till-2"]), strict=True):
            terminal.plug(port)
        fault.mended()
        for _ in range(DURING):
            await sell("till-2", terminals[0])
            await sell("till-1", terminals[1])
        await fault.settled(shop)
    told: dict[str, set[str]] = {"till-1": set(), "till-2": set()}
    for order in shop.events("o2o.order."):
        told[order["attribution"]["touchpoint"]].add(order["order_no"])
    assert told == sold


@pytest.mark.long
@pytest.mark.fault("devices", "the cables of printer and customer display exchanged, and put right")
async def test_swapped_languages(shop: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    """Each decoder hears the other's language: nothing is invented of it, and that it means nothing is told."""
    shop.store.configure(store=STORE_TOML + DISPLAY)
    ports = [shop.store.port, shop.store.folder / "till-1-display"]
    till, unread = Till(shop.printed, rng), Till({}, rng)
    with plugged(*ports) as (printer, display):
        await shop.central()
        await shop.agent()
        await shop.until_up()
        await printer.write(till.ring())
        for _ in range(DURING):
            await display.write(unread.ring())  # what a decoder of another language cannot read is lost by nature
            await printer.write(b"\x1bQA12.50\r\x1bs2")
        await shop.until_status(lambda status: state(status, "till-1-display") == "degraded")
        fault.mended()
        for _ in range(AFTER):
            await printer.write(till.ring())
        await fault.settled(shop)


@pytest.mark.fault("devices", "two tills on one line, their bytes mixed")
async def test_two_on_one_line(shop: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    """What two say at once is told as what cannot be read or whose sums differ, never as a sale that adds up."""
    shop.store.configure(store=STORE_TOML + 'idle_end = "300ms"\n')
    rng.seed(MIXED)
    both: dict[str, int] = {}
    # Numbered as on another day, so that one cut short is never the number of a slip that came by itself.
    till, mixed = Till(shop.printed, rng), Till(both, rng, datetime(2021, 7, 8, 9, 41, tzinfo=UTC))
    with plugged(shop.store.port) as (terminal,):
        await shop.central()
        await shop.agent()
        await shop.until_up()
        for _ in range(PAIRS):
            await terminal.write(till.ring())
            await terminal.drained()
            await asyncio.sleep(0.6)  # silence is a matter of time
            await terminal.write(interleaved(mixed.ring("zh-retail"), mixed.ring("zh-retail"), rng))
            await asyncio.sleep(0.6)
        fault.mended()
        await terminal.write(till.ring())
        kept = dict(shop.printed)
        row = await fault.settled(shop, books_of=lambda shop: Books(kept, proved(shop, kept, both), 0))
    told = len(shop.events("o2o.order."))
    assert told >= len(kept) + PAIRS, (row, told)


def proved(shop: ShopUnderTest, alone: dict[str, int], mixed: dict[str, int]) -> dict[str, int]:
    """Return the orders head office holds whose sums are proved: of slips that came alone, and any nobody charged.

    ``alone`` and ``mixed``: what was sold, by order number. Of two slips mixed whole lines may be one of them's: its
    amount is proved then, though its number may be cut short, since no sum is over a number's digits.
    """
    orders = [event for kind in ("completed", "returned", "voided") for event in shop.events(f"o2o.order.{kind}.v1")]
    return {
        order["order_no"] or "no number": order["totals"]["payable"]
        for order in orders
        if "fail" not in order["checks"].values()
        and "pass" in (order["checks"]["lines"], order["checks"]["tenders"])
        and (order["order_no"] in alone or order["totals"]["payable"] not in mixed.values())
    }


@pytest.mark.fault("devices", "noise and slips at line rate on four ports")
async def test_flood(shop: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    """Two tills print and two lines carry noise as fast as 115,200 baud go: nobody is missed, and the page answers."""
    shop.store.configure(store=STORE_TOML + "".join(MORE_TILLS.format(n=n) for n in (2, 3, 4)))
    till = Till(shop.printed, rng)
    ports = [shop.store.port, *(shop.store.folder / f"till-{n}" for n in (2, 3, 4))]
    with plugged(*ports) as terminals:
        await shop.central()
        agent, _ = await shop.agent()
        await shop.until_up()
        slips = b"".join(till.ring() for _ in range(BEFORE))
        await terminals[0].write(slips)
        await shop.until_equal()
        usage, loop = Usage(agent.process.pid), asyncio.get_running_loop()
        until, waits = loop.time() + FLOOD_S, [0.0]

        async def pour(terminal: Terminal, more: Callable[[], bytes]) -> None:
            began, sent = loop.time(), 0
            while loop.time() < until:
                data = more()
                await terminal.write(data)
                sent += len(data)
                await asyncio.sleep(max(0.0, began + sent / BYTES_PER_S - loop.time()))

        async def look() -> None:
            while loop.time() < until:
                asked = loop.time()
                await shop.status()
                waits.append(loop.time() - asked)
                usage.sample()
                await asyncio.sleep(0.1)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pour(terminals[0], till.ring))
            tasks.create_task(pour(terminals[1], till.ring))
            tasks.create_task(pour(terminals[2], lambda: rng.randbytes(1024)))
            tasks.create_task(pour(terminals[3], lambda: rng.randbytes(1024)))
            tasks.create_task(look())
        cpu = usage.cpu_share()
        fault.mended()
        await terminals[0].write(till.ring())
        row = await fault.settled(shop)
    print(f"{row} cpu {cpu:.2f} page {max(waits) * 1000:.0f} ms, grown {usage.grown_mb:.1f} MB")  # noqa: T201
    assert cpu < 0.8
    assert sorted(waits)[len(waits) // 2] < 0.5
    assert usage.grown_mb < 40, "what a first day of trade takes at most: docs/reliability.md"


@pytest.fixture
async def trusting(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with shop_under_test(tmp_path, agent=TRUSTING_TOML) as running:
        yield running


@pytest.mark.fault("devices", "wrong baud rate, put right by a pushed config")
async def test_wrong_baud(trusting: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    """The register sends at SENT baud; the port is read at whatever the agent has set it to."""
    shop = trusting
    till, unread = Till(shop.printed, rng), Till({}, rng)
    with plugged(shop.store.port) as (terminal,), HeadOffice(shop.store.broker.port) as office:
        await shop.central()
        await shop.agent()
        await shop.until_up()
        for _ in range(NOISY):
            await terminal.write(uart.heard(unread.ring(), sent=SENT, read=terminal.baudrate()))
        await shop.until_status(lambda status: state(status, "till-1-printer") == "degraded")
        office.push(with_device(store_config(), baudrate=SENT), 1)
        await office.until(1, "committed")
        fault.mended()
        assert terminal.baudrate() == SENT
        await asyncio.sleep(2.5)  # the silence that ends the noise
        for _ in range(DURING):
            await terminal.write(uart.heard(till.ring(), sent=SENT, read=terminal.baudrate(), pause_bits=1))
        await fault.settled(shop)
