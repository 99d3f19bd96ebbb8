"""What brokers do to a shop: afterwards head office's books equal the register's."""

import asyncio
import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.simulator.broker import Broker, BrokerOptions
from edge_agent.simulator.virtual_store import AGENT_TOML
from edge_agent.uplink.reasons import code_of
from tests.support.between import CONNACK, PUBACK, PUBLISH, Between, Write, between, connack, disconnect, kind
from tests.support.disk import small_disk, take_all
from tests.support.linked import link_codes, told, until_away, until_back
from tests.support.matrix import Fault
from tests.support.network import Network, hurried
from tests.support.proxy import proxied
from tests.support.shop import ShopUnderTest, shop_under_test, until

LONG = bool(os.environ.get("EDGE_AGENT_SEEDS"))
OUTAGES = 50 if LONG else 6
STATE = "o2o/1/demo/sh-0001/pc-1/state"
_CODES = ReasonCode(PacketTypes.CONNACK).names
FEW = (0x87, 0x88, 0x9D)  # an account, a state of the broker, another address
GARBAGE = (
    b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n",
    b"<html>" * 2000,
    b"\x20\xff\xff\xff\xff\xff",  # a length that never ends
    b"\x20\x01\x00",  # CONNACK that is cut short
    b"\x40\x02\xff\xff",  # PUBACK of what was never sent
    b"\x40\x00",
    b"\x90\x04\xff\xff\x00\x01",  # SUBACK of what was never asked
    b"\x30\x04\xff\xff!!",  # PUBLISH with a topic longer than itself
    b"\x32\x08\x00\x03a/b\x00\x01\xff",  # PUBLISH with properties longer than itself
    b"\x30\x06\x00\x02\xff\xfe\x00!",  # PUBLISH to a topic that is no UTF-8
    b"\xf0\x00",
    b"\x00" * 64,
    b"\xe0\x02\x00\x7f",
)


def codes(packet: int) -> list[int]:
    """Return the reason codes of failures that a packet may carry."""
    return [code for code, names in _CODES.items() if code >= 0x80 and any(packet in of for of in names.values())]


REFUSALS, ENDINGS = codes(PacketTypes.CONNACK), codes(PacketTypes.DISCONNECT)


def configure(shop: ShopUnderTest, port: int) -> None:
    shop.store.config.write_text(AGENT_TOML.format(port=port), "utf-8")


async def printed(shop: ShopUnderTest, more: int) -> None:
    wanted = len(shop.printed) + more
    await until(lambda: len(shop.printed) >= wanted)


@pytest.mark.fault("broker", "restarted again and again, with and without its memory")
async def test_outages(shop: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    await shop.central()
    await shop.agent()
    register = await shop.register("--interval=0.05", "--style=mixed", f"--seed={rng.randrange(10**6)}")
    for outage in range(OUTAGES):
        await printed(shop, 5)
        shop.store.broker.kill()
        await printed(shop, 5)
        shop.store.broker.restart(keep_memory=outage % 2 == 0)
    fault.mended()
    await register.stop()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("broker", "frozen (SIGSTOP)")
async def test_frozen(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    await shop.agent()
    await shop.sell(3)
    await shop.until_equal()
    shop.store.broker.pause()
    await shop.sell(5)
    await until_away(shop, "no_puback", "timeout")
    shop.store.broker.resume()
    fault.mended()
    await fault.settled(shop)
    await until_back(shop)


@pytest.mark.long
@pytest.mark.fault("broker")
async def test_packets(
    network: Network, shop: ShopUnderTest, faults: Callable[[str], Fault], rng: random.Random
) -> None:
    async with between(shop.store.broker.port) as middle:
        configure(shop, middle.port)
        await shop.central()
        await shop.agent()
        await shop.register("--interval=0.1", "--style=mixed")
        await printed(shop, 3)
        await shop.until_status(lambda status: status["sync"]["connected"])
        for name, fault in (
            ("answers twice, late and out of order", unordered),
            ("killed in the midst of its PUBACKs", killed_midway),
            ("takes what is sent and never answers", unanswered),
            ("of few means: MQTT 5 CONNACK limits", limited),
            ("refuses the connection, for each reason", refusing),
            ("ends the connection, for each reason", ending),
            ("sends what is no MQTT", nonsense),
        ):
            row = faults(name)
            await fault(network, shop, middle, rng)
            middle.meddle = middle.instead = None
            network.returns()
            row.mended()
            await hurried(network, until_connected(shop))
            await row.settled(shop)
    lines = [line["event"] for line in shop.log if str(line.get("event")).startswith("link_")]
    assert len(lines) <= 20 + len(REFUSALS) + len(ENDINGS), f"{len(lines)} for {middle.connections} connections"
    assert [line for line in shop.log if line.get("level") in ("error", "critical")] == []


async def until_connected(shop: ShopUnderTest) -> None:
    await shop.until_status(lambda status: status["sync"]["connected"])


async def connected(network: Network, shop: ShopUnderTest, middle: Between) -> None:
    """Have a connection that the present fault has not touched."""
    middle.instead = None
    await hurried(network, until_connected(shop))


async def unordered(_network: Network, shop: ShopUnderTest, middle: Between, rng: random.Random) -> None:
    loop = asyncio.get_running_loop()

    def meddle(packet: bytes, write: Write) -> None:
        if kind(packet) not in (PUBACK, PUBLISH):
            write(packet)
            return
        for _ in range(2):
            loop.call_later(rng.uniform(0, 0.2), write, packet)

    middle.meddle = meddle
    await printed(shop, 20)
    await asyncio.sleep(0.3)


async def killed_midway(_network: Network, shop: ShopUnderTest, middle: Between, _rng: random.Random) -> None:
    seen = 0

    def meddle(packet: bytes, write: Write) -> None:
        nonlocal seen
        seen += kind(packet) == PUBACK
        if seen < 5:
            write(packet)
        elif seen == 5:
            shop.store.broker.kill()

    middle.meddle = meddle
    await printed(shop, 10)
    await until(lambda: seen >= 5)
    shop.store.broker.start()


async def unanswered(_network: Network, shop: ShopUnderTest, middle: Between, _rng: random.Random) -> None:
    before = middle.connections
    middle.meddle = lambda packet, write: None if kind(packet) == PUBACK else write(packet)
    await printed(shop, 5)
    if LONG:  # 10 s each
        await until(lambda: middle.connections > before + 4, patience=300)
        assert link_codes(await shop.status()) <= {"unsteady", "no_puback"}
    middle.say(b"")


async def limited(network: Network, shop: ShopUnderTest, middle: Between, _rng: random.Random) -> None:
    poor = connack(
        0,
        SessionExpiryInterval=0,
        ReceiveMaximum=1,
        MaximumQoS=1,
        MaximumPacketSize=2_000,
        AssignedClientIdentifier="another",
        TopicAliasMaximum=10,
        ServerKeepAlive=1,
        WildcardSubscriptionAvailable=0,
        SharedSubscriptionAvailable=0,
        SubscriptionIdentifierAvailable=0,
        ReasonString="well",
        ResponseInformation="here",
        ServerReference="elsewhere:1883",
        UserProperty=("a", "b"),
    )
    for code, limits in (
        ("qos_not_supported", connack(0, MaximumQoS=0)),
        ("retain_not_supported", connack(0, RetainAvailable=0)),
        ("", poor),
    ):
        middle.meddle = lambda packet, write, limits=limits: write(limits if kind(packet) == CONNACK else packet)
        middle.say(b"")
        if code:
            await hurried(network, until_away(shop, code))
    await connected(network, shop, middle)
    await printed(shop, 10)
    middle.say(b"")


async def refusing(network: Network, shop: ShopUnderTest, middle: Between, _rng: random.Random) -> None:
    for code in REFUSALS if LONG else FEW:
        middle.instead = connack(code)
        middle.say(b"")
        await hurried(network, until_away(shop, code_of(code)))


async def ending(network: Network, shop: ShopUnderTest, middle: Between, _rng: random.Random) -> None:
    for code in ENDINGS if LONG else (0x8E, 0x97, 0x9D):
        await connected(network, shop, middle)
        middle.instead = connack(0x88)  # it stays away until we have looked
        middle.say(disconnect(code))
        await until_away(shop, code_of(code), "unsteady", "server_unavailable")


async def nonsense(network: Network, shop: ShopUnderTest, middle: Between, rng: random.Random) -> None:
    garbage = [*GARBAGE, *(rng.randbytes(200) for _ in range(50 if LONG else 2))]
    for number, what in enumerate(garbage if LONG else rng.sample(garbage, 5)):
        if number % 2:
            await connected(network, shop, middle)
        before = middle.connections
        middle.instead = what
        middle.say(what)
        network.returns()
        await until(lambda before=before: middle.connections > before)  # type: ignore[misc]  # bound at once
        await until_away(shop)


@pytest.mark.long
@pytest.mark.fault("broker", "packets of 4 KB, a queue of 5, 3 in flight")
async def test_quota(tmp_path: Path, fault: Fault) -> None:
    options = BrokerOptions(max_packet_size=4096, max_queued_messages=5, max_inflight_messages=3)
    async with shop_under_test(tmp_path, options) as shop:
        await shop.agent()
        await shop.sell(300)
        await shop.central("--delay=50")
        fault.mended()
        await shop.sell(30)
        await fault.settled(shop)


@pytest.mark.fault("broker", "wrong password, then a right that is denied")
async def test_passwords_and_permissions(tmp_path: Path, fault: Fault) -> None:
    passwords, acl, secret = tmp_path / "passwords", tmp_path / "acl", tmp_path / "secret"
    passwords.touch(0o600)
    for account in (("till", "right"), ("central", "central")):
        subprocess.run(["mosquitto_passwd", "-b", passwords, *account], check=True, capture_output=True)  # noqa: ASYNC221 - nothing else runs yet
    central = "user central\ntopic readwrite #\n"
    acl.write_text(f"{central}user till\ntopic read #\ntopic write {STATE}\n")
    (tmp_path / "central-secret").write_text("central")
    secret.write_text("wrong\n")
    toml = AGENT_TOML.replace("keepalive", 'username = "till"\npassword_file = "secret"\nkeepalive')
    async with shop_under_test(tmp_path, BrokerOptions(password_file=passwords, acl_file=acl), agent=toml) as shop:
        await shop.central("--username=central", f"--password-file={tmp_path / 'central-secret'}")
        await shop.agent()
        await shop.sell(5)
        await until_away(shop, "bad_credentials", "not_authorized")
        secret.write_text("right\n")
        await shop.until_status(lambda status: any(c["part"] == "sync/orders" for c in status["conditions"]))
        await shop.sell(5)
        acl.write_text(f"{central}user till\ntopic readwrite #\n")
        assert shop.store.broker.pid
        os.kill(shop.store.broker.pid, signal.SIGHUP)
        fault.mended()
        await fault.settled(shop)
        await shop.until_status(lambda s: {c["part"] for c in s["conditions"]} <= {"device/till-1-printer"})
        assert 0 < len(told(shop, "stream_refused")) <= 3


@pytest.mark.long
@pytest.mark.fault("broker", "another box takes our session over")
async def test_a_twin_with_the_same_name(shop: ShopUnderTest, fault: Fault, tmp_path: Path) -> None:
    await shop.central()
    await shop.agent()
    await shop.sell(5)
    await shop.until_equal()
    twin = tmp_path / "twin"
    twin.mkdir()
    (twin / "agent.toml").write_text(shop.store.config.read_text())
    (twin / "store.toml").write_text((tmp_path / "store.toml").read_text().replace('"till-1"', '"nowhere"'))
    config, shop.store.config = shop.store.config, twin / "agent.toml"
    other = await shop.agent_unready()
    shop.store.config = config
    await until(lambda: bool(told(shop, "link_lost")))
    await shop.sell(20)
    await other.stop()
    fault.mended()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("broker", "two behind one address, and head office at one of them")
async def test_two_behind_one_address(network: Network, shop: ShopUnderTest, fault: Fault, tmp_path: Path) -> None:
    with Broker(tmp_path / "second") as second:
        async with proxied(shop.store.broker.port) as line:
            configure(shop, line.port)
            await shop.central()
            await shop.agent()
            await shop.sell(5)
            await shop.until_equal()
            for target in (second.port, shop.store.broker.port, second.port, shop.store.broker.port):
                line.target = target
                line.cut()
                network.returns()
                await shop.sell(5)
            fault.mended()
            await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("broker", "its disk is full, and it is restarted")
async def test_disk_full(tmp_path: Path, fault: Fault) -> None:
    with small_disk(tmp_path / "broker") as disk:
        async with shop_under_test(tmp_path) as shop:
            await shop.central()
            await shop.agent()
            await shop.sell(5)
            await shop.until_equal()
            take_all(disk)
            await shop.sell(10)
            shop.store.broker.stop()
            await shop.sell(10)
            (disk / "filler").unlink()
            shop.store.broker.start()
            fault.mended()
            await shop.sell(5)
            await fault.settled(shop)
