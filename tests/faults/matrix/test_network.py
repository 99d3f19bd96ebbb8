"""What networks do to a shop: afterwards head office's books equal the register's."""

import asyncio
import contextlib
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.broker import Authority, authority
from tests.support.linked import link_codes, told, until_away, until_back
from tests.support.matrix import Fault
from tests.support.network import Network, black_hole, hurried, names
from tests.support.proxy import Mode, Proxy, proxied
from tests.support.shop import ShopUnderTest, until

LONG = bool(os.environ.get("EDGE_AGENT_SEEDS"))
BEFORE, DURING, AFTER = 5, 20, 5  # receipts
ATTEMPTS = 40 if LONG else 6
# A connection that is silent is given up after 10 s (contract section 4): `make test` sees that once, in
# test_broker's frozen broker, `make faults` each time.
SILENT_S = 15.0 if LONG else 1.0
FLAPS = 20 if LONG else 5
SLOWLY = 500  # bytes a second: 4 kbit/s, half of what GPRS gives at the edge of a cell (CS-1, 3GPP TS 45.003)
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


@pytest.mark.long
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


@pytest.mark.long
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
        ):
            row = faults(name)
            await fault(network, shop, line, row)
            network.returns()
            await shop.sell(AFTER)
            await row.settled(shop)
    lines = len(told(shop, "link_up")) + len(told(shop, "link_lost"))
    assert lines < 20, f"{lines} lines of log for {line.connections} connections"


@pytest.mark.fault("network", "a line of 4 kbit/s")
async def test_slow(shop: ShopUnderTest, fault: Fault) -> None:
    async with proxied(shop.store.broker.port, buffer=512) as line:
        configure(shop, line.port)
        await in_order(shop)
        line.bytes_per_second = SLOWLY
        await shop.sell(DURING if LONG else AFTER)
        if LONG:
            await fault.settled(shop, patience=300)
            line.cut()  # all that goes with a connection goes over the slow line, too
            await shop.sell(AFTER)
            await fault.settled(shop, patience=300)
        fault.mended()
        line.bytes_per_second = 0
        await fault.settled(shop)
    assert {event["reason"] for event in told(shop, "link_lost")} <= {"closed"}


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


async def until_connected(shop: ShopUnderTest) -> None:
    await shop.until_status(lambda status: status["sync"]["connected"])


@pytest.mark.fault("network")
async def test_certificates(
    network: Network, shop: ShopUnderTest, faults: Callable[[str], Fault], tmp_path: Path
) -> None:
    ours, theirs = authority(tmp_path / "our-ca"), authority(tmp_path / "their-ca")
    box(tmp_path, *ours.issue("box"))
    shutil.copy(ours.ca, tmp_path / "trusted.pem")
    files = 'ca_file = "trusted.pem"\nclient_certificate = "box.pem"\nclient_key = "box.key"'
    good = gate(ours, *ours.issue("good"))
    async with proxied(shop.store.broker.port, tls=good) as line:
        configure(shop, line.port, "localhost", files)
        await shop.central()
        await shop.agent()
        await shop.register("--interval=0.3", "--style=mixed")
        await sold(shop, 2)
        await until_back(shop)

    async def refused(
        name: str, code: str, gates: AbstractAsyncContextManager[object], mend: Callable[[], object] = bool
    ) -> None:
        row = faults(name)
        async with gates:
            await sold(shop, 2)
            await hurried(network, until_away(shop, *code.split()))
        mend()
        async with proxied(shop.store.broker.port, port=line.port, tls=good):
            row.mended()
            await hurried(network, until_connected(shop))  # by now it counts as unsteady
            await row.settled(shop)

    def served(tls: ssl.SSLContext | None) -> AbstractAsyncContextManager[object]:
        return proxied(shop.store.broker.port, port=line.port, tls=tls)

    expired, early = ("20200101000000Z", "20200102000000Z"), ("20990101000000Z", "20990102000000Z")
    for name, code, tls in (
        ("certificate expired", "certificate_time", gate(ours, *ours.issue("expired", between=expired))),
        ("certificate not yet valid", "certificate_time", gate(ours, *ours.issue("early", between=early))),
        ("certificate of another name", "untrusted", gate(ours, *ours.issue("other", host="elsewhere.test"))),
        ("certificate of another authority", "untrusted", gate(ours, *theirs.issue("foreign"))),
        ("plain text where TLS should be", "tls_failed", None),
    ):
        await refused(name, code, served(tls))
    await refused("captive portal where the broker should be", "tls_failed", portal(line.port))

    renewed = ours.issue("new-box")
    box(tmp_path, *ours.issue("old-box", between=expired))
    await refused(
        "our client certificate expired, renewed on disk",
        "tls_failed closed unsteady",  # TLS 1.3 tells it after the handshake, if the line still stands
        served(good),
        lambda: box(tmp_path, *renewed),
    )
    shutil.copy(theirs.ca, tmp_path / "trusted.pem")
    await refused(
        "CA file replaced by a wrong one, then by the right one",
        "untrusted",
        served(good),
        lambda: shutil.copyfile(ours.ca, tmp_path / "trusted.pem"),
    )
    assert len(told(shop, "link_lost")) <= 2 * 8 + 2, "one line for each new reason"


async def sold(shop: ShopUnderTest, more: int) -> None:
    """Wait for receipts of a register that goes on printing: each pulled cable makes the next pause longer."""
    wanted = len(shop.printed) + more
    await until(lambda: len(shop.printed) >= wanted)


def gate(ca: Authority, certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what a broker's TLS is: a certificate, and clients that must have one of the same authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate, key)
    return context


def box(folder: Path, certificate: Path, key: Path) -> None:
    shutil.copyfile(certificate, folder / "box.pem")
    shutil.copyfile(key, folder / "box.key")
    (folder / "box.key").chmod(0o600)


@contextlib.asynccontextmanager
async def portal(port: int) -> AsyncIterator[None]:
    """Answer everything as a hotel's network does that wants to be logged in to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(64 * 1024)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", port):
        yield


@pytest.mark.long
@pytest.mark.fault("network", "away for a day's trade, then everything at once")
async def test_backlog(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    agent, _ = await shop.agent()
    await shop.sell(10)
    await shop.until_equal()
    shop.store.broker.kill()
    before = resident_kb(agent.process.pid)
    await shop.sell(BACKLOG, "--interval=0")
    await shop.until_recorded()
    assert resident_kb(agent.process.pid) < before + 20_000, "memory stays flat while it waits"
    shop.store.broker.restart(keep_memory=True)
    fault.mended()
    await shop.until_status(lambda status: status["sync"]["connected"])
    await shop.sell(1)
    await fault.settled(shop)
    assert resident_kb(agent.process.pid) < before + 20_000, "and while it goes"


def resident_kb(pid: int) -> int:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0])
