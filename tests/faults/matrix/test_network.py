"""What networks do to a shop: afterwards head office's books equal the register's."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.linked import link_codes, told, until_away, until_back
from tests.support.matrix import Fault
from tests.support.network import Network, black_hole, names
from tests.support.proxy import Mode, Proxy, proxied
from tests.support.shop import ShopUnderTest, until

LONG = bool(os.environ.get("EDGE_AGENT_SEEDS"))
BEFORE, DURING, AFTER = 5, 20, 5  # receipts
ATTEMPTS = 40 if LONG else 6
# A connection that is silent is given up after 10 s (contract section 4): `make test` sees that once, in
# test_broker's frozen broker, `make faults` each time.
SILENT_S = 15.0 if LONG else 1.0
FLAPS = 20 if LONG else 5
SLOWLY = 125 if LONG else 2000  # bytes a second: 1 kbit/s where there is time
BACKLOG = 5000 if LONG else 1500
NAME = "broker.shop.test"
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs a mount namespace, which needs root")


def configure(shop: ShopUnderTest, port: int, host: str = "127.0.0.1", more: str = "") -> None:
    text = AGENT_TOML.replace("keepalive = 10", f"keepalive = 10\n{more}").format(port=port)
    scheme = "mqtts" if "ca_file" in more else "mqtt"
    shop.store.config.write_text(text.replace("mqtt://127.0.0.1", f"{scheme}://{host}"), "utf-8")


async def in_order(shop: ShopUnderTest) -> None:
    """Have a shop that works, and whose agent knows it."""
    await shop.central()
    await shop.agent()
    await shop.sell(BEFORE)
    await shop.until_equal()


@pytest.mark.fault("network", "connection refused")
async def test_refused(network: Network, shop: ShopUnderTest, fault: Fault) -> None:
    async with proxied(shop.store.broker.port) as line:
        configure(shop, line.port)
        await in_order(shop)
    await shop.sell(DURING)
    await until_away(shop, "refused")
    for _ in range(ATTEMPTS):
        network.returns()
        await asyncio.sleep(0.2)
        assert link_codes(await shop.status()) == {"refused"}
    assert len(told(shop, "link_lost")) <= 2, "one line when it went, one when it turned out that nobody listens"
    async with proxied(shop.store.broker.port, port=line.port):
        network.returns()
        fault.mended()
        await shop.sell(AFTER)
        await fault.settled(shop)
        await until_back(shop)


@pytest.mark.fault("network", "name not found, then a dead IPv6 address first, then another address")
@ROOT
async def test_names(network: Network, shop: ShopUnderTest, fault: Fault, tmp_path: Path) -> None:
    hosts, wrapper = names(tmp_path)
    async with proxied(shop.store.broker.port, "127.0.0.2") as line:
        configure(shop, line.port, NAME, "insecure = true")
        await shop.central()
        await shop.agent(wrapper=wrapper)
        await shop.sell(BEFORE)
        await until_away(shop, "name_not_found")
        with black_hole("::1", line.port):
            hosts.write_text(f"::1 {NAME}\n127.0.0.2 {NAME}\n")
            network.returns()
            await until_back(shop)
            await shop.sell(DURING)
            await shop.until_equal()
    async with proxied(shop.store.broker.port, "127.0.0.3", line.port):
        hosts.write_text(f"127.0.0.3 {NAME}\n")
        network.returns()
        fault.mended()
        await shop.sell(AFTER)
        await fault.settled(shop)


@pytest.mark.fault("network")
async def test_lines(network: Network, shop: ShopUnderTest, faults: Callable[[str], Fault]) -> None:
    async with proxied(shop.store.broker.port) as line:
        configure(shop, line.port)
        await in_order(shop)
        for name, fault in (
            ("reset in the midst of traffic", reset),
            ("black hole while connected", hole),
            ("half-open: the broker's side is gone and we are not told", half_open),
            ("one packet in ten lost", loss),
            ("connected, then flapping", flapping),
            ("a line of 1 kbit/s", slow),
        ):
            row = faults(name)
            await fault(network, shop, line, row)
            network.returns()
            await shop.sell(AFTER)
            await row.settled(shop)
    lines = len(told(shop, "link_up")) + len(told(shop, "link_lost"))
    assert lines < 20, f"{lines} lines of log for {line.connections} connections"


async def reset(_network: Network, shop: ShopUnderTest, line: Proxy, row: Fault) -> None:
    register = await shop.register("--interval=0.01", "--style=mixed")
    for _ in range(3):
        before = len(shop.printed)
        await until(lambda before=before: len(shop.printed) >= before + 10)  # type: ignore[misc]  # bound at once
        line.reset()
        await until_connected(shop)
    await register.stop()
    row.mended()


async def hole(network: Network, shop: ShopUnderTest, line: Proxy, row: Fault) -> None:
    await until_connected(shop)
    network.hole(line.port)
    await shop.sell(DURING)
    await asyncio.sleep(SILENT_S)
    if LONG:
        await until_away(shop)
    network.clear()
    row.mended()


async def half_open(network: Network, shop: ShopUnderTest, line: Proxy, row: Fault) -> None:
    await until_connected(shop)
    network.hole(line.port)
    line.cut()
    await shop.sell(DURING)
    network.clear()
    row.mended()


async def loss(network: Network, shop: ShopUnderTest, line: Proxy, row: Fault) -> None:
    network.loss(line.port, 10)
    await shop.sell(3 * DURING)
    row.mended()
    await shop.until_equal()  # it heals while it goes on
    network.clear()


async def flapping(network: Network, shop: ShopUnderTest, line: Proxy, row: Fault) -> None:
    register = await shop.register("--interval=0.02", "--style=mixed")
    before = len(shop.log)
    for _ in range(FLAPS):
        line.mode = Mode.REFUSE
        line.cut()
        await asyncio.sleep(0.2)
        line.mode = Mode.FORWARD
        network.returns()
        await until_connected(shop)
    row.mended()
    await register.stop()
    lines = [entry["event"] for entry in shop.log[before:] if str(entry.get("event")).startswith("link_")]
    assert len(lines) <= 6, f"a line that comes and goes is told once: {lines}"
    assert link_codes(await shop.status()) == {"unsteady"}


async def slow(_network: Network, shop: ShopUnderTest, line: Proxy, row: Fault) -> None:
    line.bytes_per_second = SLOWLY
    await shop.sell(3)
    row.mended()
    await shop.until_equal()
    line.bytes_per_second = 0


async def until_connected(shop: ShopUnderTest) -> None:
    await shop.until_status(lambda status: status["sync"]["connected"])
