"""A trading day on two tills with all that goes wrong in one: head office's books equal the tills' in the end."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from edge_agent.clock import Clock
from edge_agent.simulator import central_reading
from edge_agent.simulator.register import Port
from edge_agent.simulator.slips import NewVendor, Slips
from edge_agent.simulator.trading_day import Step, Till
from edge_agent.simulator.virtual_store import Part
from tests.support.defects import planted
from tests.support.shop import ShopUnderTest, shop_under_test, until

MORNING, NOON, AFTERNOON = 75, 40, 35  # things that happen at each of two tills: 300 in all
PACE_S = 0.02
KINDS = {"unprinted": "sale"}  # a sale that a display showed

Books = Counter[tuple[str | None, str, int | None]]
Trouble = Callable[[], Awaitable[None]]

STORE = """\
[store]
name = "人民广场店"
timezone = "Asia/Shanghai"
currency = "CNY"
business_day_start = "{start:02}:00"

[till]
provisional_after = "8s"
"""
TILL = """
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

[[device]]
id = "till-{n}-display"
kind = "serial"
touchpoint = "till-{n}"
port = "till-{n}-display"
baudrate = 2400
decoder = "linedisplay"
dialect = "led8"
"""

# What reads the new vendor's receipts: no word of theirs is in the shipped templates.
VENDOR_TOML = """
[[receipt_template]]
name = "new-vendor"
match = ["<<A7>>"]
fields = { number = '<<A7>> (\\d+)', workstation = '#(\\d+)$', payable = '>> (-?[0-9.]+) <<' }
tenders = { '通道甲' = "cash", '通道乙' = "wechat_pay", '通道丙' = "alipay", '通道丁' = "bank_card" }
money = { '余下' = "change" }
lines.start = '#\\d+$'
lines.end = '^>> '
lines.item = '^(?P<name>[^;]+);(?P<quantity>-?\\d+);(?P<amount>-?[0-9.]+)$'
lines.adjust = '^\\^(?P<amount>-?[0-9.]+)$'
"""


def codes(status: dict[str, Any]) -> set[str]:
    return {condition["code"] for condition in status["conditions"]}


def now() -> datetime:
    """Return the shop's own time, as its tills print it."""
    return datetime.fromtimestamp(Clock().now().wall_ms / 1000, ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)


def store_toml() -> str:
    """Return the shop; its business day begins half a day from now, so that no test is cut in two by it."""
    start = (now().hour + 12) % 24
    return STORE.format(start=start) + TILL.format(n=1) + TILL.format(n=2)


@dataclass
class Lines:
    """The two ports of a till."""

    ports: dict[str, Port]

    async def say(self, step: Step) -> None:
        for line, data in step.lines:
            await self.ports[line].write(data)


@asynccontextmanager
async def plugged(folder: Path, number: int) -> AsyncIterator[Lines]:
    ports = {"printer": Port(folder / f"till-{number}"), "display": Port(folder / f"till-{number}-display")}
    for port in ports.values():
        port.plug()
    try:
        yield Lines(ports)
    finally:
        for port in ports.values():
            await port.unplug()


@asynccontextmanager
async def plugged_tills(folder: Path) -> AsyncIterator[list[Lines]]:
    async with plugged(folder, 1) as first, plugged(folder, 2) as second:
        yield [first, second]


@dataclass
class Day:
    """The shop, its tills and their lines."""

    shop: ShopUnderTest
    tills: list[Till]
    lines: list[Lines]
    agent: Part

    async def trade(self, count: int, troubles: Mapping[int, Trouble]) -> None:
        """Have both tills work side by side, ``count`` steps each; troubles come before the steps they are named by."""
        for at, pair in enumerate(zip(*(till.steps(count) for till in self.tills), strict=True)):
            if at in troubles:
                await troubles[at]()
            async with asyncio.TaskGroup() as group:
                for lines, step in zip(self.lines, pair, strict=True):
                    group.create_task(lines.say(step))
            await asyncio.sleep(PACE_S)

    async def report(self) -> None:
        """End the shift at both tills."""
        for till, lines in zip(self.tills, self.lines, strict=True):
            await lines.say(till.shift_report())

    async def kill(self) -> None:
        """Kill the agent, as a power cut does, and start it again; it may be killed again before it is ready."""
        await self.agent.kill()
        self.agent = await self.shop.agent_unready()

    async def restart(self) -> None:
        """Kill the agent and wait until it is back."""
        await self.agent.kill()
        self.agent, _ = await self.shop.agent()

    async def link_down(self) -> None:
        self.shop.store.broker.kill()

    async def link_up(self) -> None:
        self.shop.store.broker.restart(keep_memory=True)

    def books(self) -> Books:
        """Return what the cashiers know: number, kind and payable of every order."""
        booked = (one for till in self.tills for one in till.books)
        return Counter((one.number or None, KINDS.get(one.kind, one.kind), one.payable) for one in booked)

    def held(self) -> Books:
        """Return what head office holds."""
        orders = central_reading.orders(self.shop.store.database).values()
        return Counter((order.order_no, order.kind, order.payable) for order in orders)

    async def until_equal(self) -> None:
        def differ() -> str:
            books, held = self.books(), self.held()
            return f"missing {list((books - held).items())[:10]}, too many {list((held - books).items())[:10]}"

        await until(lambda: self.books() == self.held(), differ)

    def defects(self, rng: random.Random) -> list[tuple[str, str]]:
        """Return nine ways in which head office may be wrong about an order, each about another one."""
        numbers = Counter(one.number for till in self.tills for one in till.books)
        wanted = (
            *(("missing", kind) for kind in ("sale", "return", "top_up", "delivery_slip")),
            *(("altered", kind) for kind in ("sale", "return")),
            ("revision", "sale"),
            *(("doubled", kind) for kind in ("sale", "top_up")),
        )
        found = []
        for defect, kind in wanted:
            books = [one for till in self.tills for one in till.books if one.kind == kind and numbers[one.number] == 1]
            one = rng.choice(books)
            numbers[one.number] += 1
            found.append((defect, one.number))
        return found

    async def close(self, till: int) -> None:
        """Sell once more at a till, and for a platform, and end its shift: head office is asked again about both."""
        for kind in ("sale", "delivery_slip"):
            await self.lines[till].say(self.tills[till].sell(kind))
        await self.lines[till].say(self.tills[till].shift_report())

    async def lose_a_slip(self, till: int) -> None:
        """Have the line lose a slip that the register counts; the proof names its number until it is printed again."""
        lost = self.tills[till].sell()
        assert lost.booked is not None
        await self.close(till)

        def missing(status: dict[str, Any]) -> list[str]:
            workstations = status["today"]["day_proof"]["workstations"]
            return [number for one in workstations for number in one["missing_numbers"]]

        number = lost.booked.number
        await self.shop.until_status(lambda status: missing(status) == [number] and "register_differs" in codes(status))
        await self.lines[till].say(lost)
        await self.shop.until_status(lambda status: not missing(status))
        await self.close(till)  # only the next report says that the register was right
        await self.shop.until_status(lambda status: not missing(status) and "register_differs" not in codes(status))

    async def until_proof(self, *differing: str) -> None:
        """Wait until today's proof agrees, or names exactly these receipts."""
        state = "differs" if differing else "agreed"

        def as_wanted(status: dict[str, Any]) -> bool:
            proof = status["today"]["day_proof"]
            return proof["state"] == state and sorted(proof["differing"]) == sorted(differing)

        await self.shop.until_status(as_wanted)


async def test_a_trading_day_is_proved(tmp_path: Path, rng: random.Random) -> None:
    async with shop_under_test(tmp_path, store_toml=store_toml()) as shop, plugged_tills(tmp_path) as lines:
        tills = [Till(n, random.Random(rng.random()), now(), Slips()) for n in (1, 2)]
        await shop.central()
        agent, _ = await shop.agent()
        day = Day(shop, tills, lines, agent)

        kills = rng.sample(range(5, MORNING - 5), 3)
        await day.trade(MORNING, {**dict.fromkeys(kills, day.kill), 20: day.link_down, 55: day.link_up})
        await day.report()

        tills[1].slips = NewVendor()
        kills = rng.sample(range(5, NOON - 5), 2)
        await day.trade(NOON, dict.fromkeys(kills, day.kill))
        await day.restart()
        await shop.until_status(lambda status: "layout_changed" in codes(status))
        (tmp_path / "store.toml").write_text(store_toml() + VENDOR_TOML, "utf-8")
        await day.restart()
        await day.trade(AFTERNOON, {})
        await day.until_equal()
        await day.report()
        await day.until_proof()
        for defect, number in day.defects(rng):
            till = next(place for place, till in enumerate(tills) if number in {one.number for one in till.books})
            with planted(shop.store.database, defect, number):
                await day.close(till)
                await day.until_proof(number)
            await day.close(till)
            await day.until_proof()
        await day.lose_a_slip(0)
