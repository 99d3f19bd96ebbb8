"""What happens to tills on the network, and to those behind a relay: head office's books equal the register's."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from edge_agent.simulator.broker import free_port
from tests.e2e.test_lines import NETWORK, DeviceServer, send
from tests.e2e.test_relay import store
from tests.faults.matrix.test_devices import state
from tests.support.matrix import Fault
from tests.support.proxy import Mode, Proxy, proxied
from tests.support.shop import ShopUnderTest, shop_under_test
from tests.support.till import Till

CROWD = 200  # connections
SLOW_S = 11.0  # longer than who never printed may keep others out


@asynccontextmanager
async def network(folder: Path) -> AsyncIterator[tuple[ShopUnderTest, DeviceServer, Proxy, dict[str, int]]]:
    """Give a shop with a network printer, and a serial device server behind a network that misbehaves on request."""
    ports = {"printer": free_port(), "export": free_port()}
    server = DeviceServer(behind := free_port())
    async with proxied(behind) as proxy:
        toml = NETWORK.format(**ports, server=proxy.port)
        async with shop_under_test(folder, store_toml=toml) as shop, server.serving():
            await shop.central()
            yield shop, server, proxy, ports


@pytest.mark.fault("devices", "serial device server: refused, cut, black hole")
async def test_device_server(tmp_path: Path, fault: Fault, rng: random.Random) -> None:
    async with network(tmp_path) as (shop, server, proxy, _):
        till = Till(shop.printed, rng)
        await shop.agent()
        await shop.until_up()
        await server.write(till.ring())
        await shop.until_equal()
        for mode in (Mode.REFUSE, Mode.STALL):
            proxy.mode = mode
            if mode is Mode.REFUSE:
                proxy.cut()
                await shop.until_status(lambda status: state(status, "server") == "down")
            else:
                await server.write(till.ring())
                await asyncio.sleep(0.5)  # nothing comes: what must not happen has no condition to wait for
            proxy.mode = Mode.FORWARD
            await shop.until_up("server")
            await server.write(till.ring())
        fault.mended()
        await server.write(till.ring())
        await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("devices", "200 connections to a listening port, silent or byte by byte")
async def test_crowd(tmp_path: Path, fault: Fault, rng: random.Random) -> None:
    """A till is kept out for moments only: who connects and prints nothing makes room."""
    async with network(tmp_path) as (shop, _, _, ports), AsyncExitStack() as crowd:
        till = Till(shop.printed, rng)
        await shop.agent()
        await shop.until_up()
        await send(ports["printer"], till.ring())
        await shop.until_equal()
        for number in range(CROWD):
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", ports["printer"])
                crowd.callback(writer.close)
                if number % 2:
                    writer.write(b"x")
        await asyncio.sleep(SLOW_S)
        fault.mended()
        await printed(shop, ports["printer"], till.ring())
        await fault.settled(shop)


async def printed(shop: ShopUnderTest, port: int, receipt: bytes) -> None:
    """Print as a spooler does: again until the printer keeps the connection."""
    for _ in range(100):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(0.3):
                refused = await reader.read(1) == b""
        except TimeoutError:
            refused = False
        except OSError:
            refused = True
        if not refused:
            writer.write(receipt)
            await writer.drain()
        writer.close()
        if not refused:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"the till is kept out: {shop.log[-3:]}")


@pytest.mark.long
@pytest.mark.fault("devices", "port of a listening device taken by another program, then free")
async def test_port_taken(tmp_path: Path, fault: Fault, rng: random.Random) -> None:
    async with network(tmp_path) as (shop, _, _, ports):
        till = Till(shop.printed, rng)
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", ports["printer"]):
            await shop.agent()
            await shop.until_status(lambda status: state(status, "printer") == "down")
        fault.mended()
        await shop.until_up("printer")
        await send(ports["printer"], till.ring())
        await fault.settled(shop)


@pytest.mark.fault("devices", "relay killed in traffic, printer away and back")
async def test_relay(tmp_path: Path, fault: Fault, rng: random.Random) -> None:
    async with store(tmp_path, rng) as till:
        shop = till.shop
        await shop.central()
        await shop.agent()
        await shop.until_up()
        await till.sell(5)
        await shop.until_equal()
        relay = till.process()
        assert relay is not None
        os.kill(relay, signal.SIGKILL)
        await till.sell(5)
        await shop.until_equal()
        await shop.until_up()
        assert any(event["reason"] == "relay_missing" for event in shop.events("o2o.device.down.v1"))
        till.printer.unplug()
        await shop.until_status(lambda status: status["level"] == "action" and "打不出小票" in status["headline"])
        till.printer.plug()
        fault.mended()
        await shop.until_up()
        await till.sell(5)
        await fault.settled(shop)
