"""The daily closing proof: register, agent and head office agree on a day, or the receipts that differ are named."""

import json
import random
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge_agent.clock import Clock
from edge_agent.commands.status import render
from edge_agent.simulator import central_reading
from edge_agent.simulator.receipts import Sale, encode, pair, printed, ring_up
from tests.support.defects import plant
from tests.support.faketime import environment_of_threads
from tests.support.shop import ShopUnderTest
from tests.support.till import Terminal

CHINA = timedelta(hours=8)


class Register:
    """One register on the store's port; ``sold`` is what its accountant knows."""

    def __init__(self, terminal: Terminal, rng: random.Random) -> None:
        self.sold: list[Sale] = []
        self._terminal = terminal
        self._rng = rng

    async def sell(self, count: int) -> None:
        for _ in range(count):
            sale = ring_up(self._rng, "zh-retail", f"{20261122000001 + len(self.sold)}", now())
            self.sold.append(sale)
            await self._terminal.write(encode(sale))

    async def report(self, more: int = 0) -> None:
        """Print what a register does when a cashier goes home; ``more``: what it is wrong by."""
        lines = ["交班报表", "机号:03      收银员:王芳", f"交班时间:{now():%Y-%m-%d %H:%M:%S}", "-" * 32]
        await self._terminal.write(printed("人民广场店", [*lines, pair("净销售额:", self.total + more)]))

    @property
    def total(self) -> int:
        return sum(-sale.payable if sale.kind == "return" else sale.payable for sale in self.sold)


def now() -> datetime:
    return datetime.fromtimestamp(Clock().now().wall_ms / 1000, UTC) + CHINA


@pytest.fixture
async def register(shop: ShopUnderTest, rng: random.Random) -> AsyncIterator[Register]:
    terminal = Terminal(shop.store.port)
    terminal.plug()
    yield Register(terminal, rng)
    terminal.close()


def proof(status: dict[str, Any]) -> tuple[str, list[str]]:
    today = status["today"]["day_proof"]
    return today["state"], today["differing"]


def codes(status: dict[str, Any]) -> set[str]:
    return {condition["code"] for condition in status["conditions"]}


async def test_a_shift_agrees_and_each_planted_defect_is_named(shop: ShopUnderTest, register: Register) -> None:
    central = await shop.central()
    agent, _ = await shop.agent()
    await register.sell(8)
    await register.report()
    await shop.until_status(lambda status: proof(status) == ("agreed", []))
    (closed,) = shop.events("o2o.day.closed.v1")
    assert (closed["orders"] + closed["returns"], closed["payable"]) == (8, register.total)
    assert (closed["register_total"], closed["difference"]) == (register.total, 0)
    assert (closed["cause"], closed["workstation"]) == ("shift_report", "03")

    numbers = [sale.order_no for sale in register.sold]
    with sqlite3.connect(shop.store.database) as books:
        held = books.execute("SELECT * FROM book").fetchall()
    for defect, number in zip(("missing", "altered", "doubled"), numbers[2::2], strict=True):
        plant(shop.store.database, defect, number)
    await agent.kill()
    await shop.agent()
    await register.sell(1)
    await register.report(-100)
    await shop.until_status(lambda status: proof(status) == ("differs", numbers[2::2]))
    await shop.until_status(lambda status: codes(status) == {"day_differs", "register_differs"})
    detail = next(one["detail"] for one in (await shop.status())["conditions"] if one["code"] == "day_differs")
    assert [number for number in numbers if number in detail] == numbers[2::2]
    assert f"head office has other orders; look at {', '.join(numbers[2::2])}" in render(await shop.status(), "en")

    await central.kill()
    known = central_reading.orders(shop.store.database)
    with sqlite3.connect(shop.store.database) as books:
        books.execute("DELETE FROM book WHERE order_id NOT IN (SELECT value FROM json_each(?))", [json.dumps([*known])])
        books.executemany("INSERT OR REPLACE INTO book VALUES (?, ?, ?, ?, ?, ?, ?)", held)
    await shop.central()
    await shop.until_status(lambda status: proof(status) == ("agreed", []))
    await shop.until_status(lambda status: codes(status) == {"register_differs"})
    assert [line for line in shop.log if line.get("level") == "error"] == []


async def test_a_day_that_ends_without_a_line_and_without_an_agent_is_proved_later(
    shop: ShopUnderTest, register: Register, tmp_path: Path
) -> None:
    stamp = tmp_path / "faketime"
    stamp.write_text("+0\n")
    await shop.central()
    agent, _ = await shop.agent(env=environment_of_threads(stamp))
    await register.sell(4)
    await shop.until_status(lambda status: (today(status), waiting(status)) == (4, 0))
    days = [(await shop.status())["today"]["business_day"]]
    shop.store.broker.kill()
    # ``recorded``: sales and proofs since; what is counted and not yet on disk would be read again on the day after
    # the kill. The first four orders may wait once more: a kill forgets what was confirmed in the last second.
    for later, sold, recorded in ((1, 1, 2), (2, 2, 5)):
        await agent.kill()
        stamp.write_text(f"+{later * 86_400}\n")
        agent, _ = await shop.agent(env=environment_of_threads(stamp))
        await shop.until_status(lambda status: earlier(status) == (days[-1], "waiting"))
        await register.sell(sold)
        await shop.until_status(
            lambda status: today(status) == sold and waiting(status) in (recorded, recorded + 4)  # noqa: B023 - as above
        )
        days.append((await shop.status())["today"]["business_day"])
    shop.store.broker.restart(keep_memory=True)
    await shop.until_status(lambda status: earlier(status) == (days[1], "agreed"))
    closed = shop.events("o2o.day.closed.v1")
    assert [(one["business_day"], one["cause"], one["orders"] + one["returns"]) for one in closed] == [
        (days[0], "day_end", 4),
        (days[1], "day_end", 1),
    ]
    (one,) = [line for line in shop.log if line.get("event") == "day_answered" and line["business_day"] == days[0]]
    assert one["state"] == "agreed"


def today(status: dict[str, Any]) -> int:
    counts = status["today"]
    return int(counts["orders"] + counts["returns"])


def waiting(status: dict[str, Any]) -> int:
    return int(status["sync"]["waiting_by_stream"]["orders"])


def earlier(status: dict[str, Any]) -> tuple[str, str] | None:
    days = status["today"]["day_proof"]["earlier"]
    return (days[0]["business_day"], days[0]["state"]) if days else None
