"""Registers as they come: whatever a line does, head office's books equal the register's."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from edge_agent.simulator.broker import free_port
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.shop import ShopUnderTest, shop_under_test, until
from tests.support.till import Terminal, Till

# As a service runs: without the powers of root (the kernel lets CAP_SYS_ADMIN open what TIOCEXCL refuses).
POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()


@pytest.fixture
def terminal(shop: ShopUnderTest) -> Iterator[Terminal]:
    terminal = Terminal(shop.store.port)
    yield terminal
    terminal.close()


@pytest.mark.parametrize("keeps_slave", [True, False])
async def test_a_powerless_agent_killed_between_receipts(
    shop: ShopUnderTest, rng: random.Random, keeps_slave: bool
) -> None:
    terminal, till = Terminal(shop.store.port, keeps_slave=keeps_slave), Till(shop.printed, rng)
    terminal.plug()
    try:
        await shop.central()
        for _ in range(3):
            agent, _ = await shop.agent(wrapper=POWERLESS)
            await shop.until_up()
            for _ in range(3):
                await terminal.write(till.ring())
            if not keeps_slave:
                await shop.until_equal()  # what lies in a port nobody has open is lost with the last descriptor
            await agent.kill()
        await shop.agent(wrapper=POWERLESS)
        await shop.until_equal()
    finally:
        terminal.close()


async def test_receipts_in_one_write_and_byte_by_byte_and_without_a_cut(
    shop: ShopUnderTest, terminal: Terminal, rng: random.Random
) -> None:
    till = Till(shop.printed, rng)
    await shop.central()
    await shop.agent()
    await shop.until_status(lambda status: status["devices"][0]["state"] == "down")
    terminal.plug()  # the port appears late
    await shop.until_up()
    await terminal.write(till.ring() + till.ring())
    for byte in till.ring():
        await terminal.write(bytes([byte]))
        await asyncio.sleep(0)
    await terminal.write(till.ring().removesuffix(b"\x1dV\x42\x00"))
    await shop.until_equal()


async def test_half_a_receipt_invents_nothing(shop: ShopUnderTest, terminal: Terminal, rng: random.Random) -> None:
    shop.store.configure(store=STORE_TOML + 'idle_end = "300ms"\n')
    till = Till(shop.printed, rng)
    terminal.plug()
    await shop.central()
    await shop.agent()
    await shop.until_up()
    sold = set()
    for count in range(1, 5):
        whole = till.ring()
        sold.add(shop.printed.popitem()[1])
        await terminal.write(whole[: len(whole) * rng.randrange(20, 60) // 100])
        await until(lambda: len(shop.events("o2o.order.")) == count)  # noqa: B023 - awaited at once
    await terminal.write(till.ring())
    await until(lambda: shop.printed.items() <= shop.held_loosely().items(), shop.held_loosely)
    seen = shop.events("o2o.order.unparsed.v1") + shop.events("o2o.order.completed.v1")
    assert len(seen) + len(shop.events("o2o.order.returned.v1")) == 5, "each half is reported"
    for order in shop.events("o2o.order.completed.v1") + shop.events("o2o.order.returned.v1"):
        checks = order["checks"]["lines"], order["checks"]["tenders"]
        known = order["order_no"] in shop.printed or order["totals"]["payable"] in {None, *sold}
        assert known or "pass" not in checks, order


NETWORK = """
[store]
name = "人民广场店"
timezone = "Asia/Shanghai"
currency = "CNY"

[[touchpoint]]
id = "till-1"
name = "1号收银台"

[[device]]
id = "printer"
kind = "tcp-listen"
touchpoint = "till-1"
listen = "127.0.0.1:{printer}"
decoder = "escpos"
encoding = "gb18030"

[[device]]
id = "export"
kind = "tcp-listen"
touchpoint = "till-1"
listen = "127.0.0.1:{export}"
decoder = "lines"
format = "json"

[[device]]
id = "server"
kind = "tcp"
touchpoint = "till-1"
host = "127.0.0.1"
port = {server}
decoder = "escpos"
encoding = "gb18030"
"""


class DeviceServer:
    """A serial device server: it keeps what nobody reads for whoever connects."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._client = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._connected, "127.0.0.1", self._port):
            yield
            if self._writer:
                self._writer.close()

    async def write(self, data: bytes) -> None:
        await self._client.wait()
        assert self._writer
        self._writer.write(data)
        await self._writer.drain()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._client.set()
        with suppress(ConnectionError):
            await reader.read()
        self._client.clear()
        writer.close()


async def test_network_devices_and_a_kill_in_between(tmp_path: Path, rng: random.Random) -> None:
    ports = {"printer": free_port(), "export": free_port(), "server": free_port()}
    async with shop_under_test(tmp_path, store_toml=NETWORK.format(**ports)) as shop:
        till = Till(shop.printed, rng)
        server = DeviceServer(ports["server"])
        async with server.serving():
            await shop.central()
            for _ in range(3):
                agent, _ = await shop.agent()
                await shop.until_up()
                for _ in range(3):
                    await send(ports["printer"], till.ring() + till.ring())
                    await server.write(till.ring())
                    number = f"E{len(shop.printed)}"
                    shop.printed[number] = 1250
                    await send(ports["export"], record(number))
                await shop.until_equal()  # what a network printer has not recorded dies with its connection
                await agent.kill()


async def send(port: int, data: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def record(number: str) -> bytes:
    return (
        f'{{"order_no": "{number}", "printed_at": "2026-11-22T10:31:05", "payable": 12.50, '
        '"lines": [{"name": "面", "quantity": 1, "amount": 12.50}], '
        '"tenders": [{"type": "cash", "label": "现金", "amount": 12.50}]}\n'
    ).encode()
