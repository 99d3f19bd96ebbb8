"""Head office commands a box: the real process, a real broker, signed envelopes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.clock import Clock
from edge_agent.contract.envelope import seal
from edge_agent.devices.relay_start import Relays
from edge_agent.simulator.virtual_store import STORE_TOML, Part
from tests.support.broker import Listener
from tests.support.commanding import Desk, command_payload, sealed_command
from tests.support.proxy import Mode, proxied
from tests.support.pty import Cable
from tests.support.pushing import COMMANDER, OPERATOR, STRANGER, TOPICS, TRUSTING_TOML, Signer, trust_toml
from tests.support.relay import CablePrinter, kill_relays
from tests.support.shop import ShopUnderTest, shop_under_test, until

DISPLAY = """
[[device]]
id = "till-1-display"
kind = "serial"
touchpoint = "till-1"
port = "register"
baudrate = 9600
decoder = "linedisplay"
dialect = "cd5220"
passthrough = "glass"
drive = true
"""
MEMBER = "member-8c1f5e"
CONFIGURER = Signer("desk-2", ("config",))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with shop_under_test(tmp_path, agent=TRUSTING_TOML + trust_toml(CONFIGURER)) as running:
        yield running


@pytest.fixture
async def desk(shop: ShopUnderTest) -> AsyncIterator[Desk]:
    with Desk(shop.store.broker.port) as desk:
        yield desk


@pytest.fixture
async def cable(shop: ShopUnderTest) -> AsyncIterator[Cable]:
    cable = Cable(shop.store.folder / "till-1")
    cable.plug()
    yield cable
    cable.close()


async def there(shop: ShopUnderTest, desk: Desk) -> Part:
    """Start the agent; return once it takes commands."""
    agent, _ = await shop.agent()
    await desk.until_there()
    return agent


async def test_each_way_to_be_refused_changes_nothing(shop: ShopUnderTest, desk: Desk) -> None:
    agent = await there(shop, desk)
    elsewhere = {"tenant": "demo", "store": "sh-0002", "agent": "pc-1"}
    text = {"text": "x", "seconds": 1}
    asked = [
        ("wrong_role", sealed_command("ping", id_="r-1", by=CONFIGURER)),
        ("wrong_target", sealed_command("ping", id_="r-2", target=elsewhere)),
        ("malformed", sealed_command("ping", id_="r-3", expires="tomorrow")),
        ("malformed", sealed_command("ping", id_="r-4", type="config")),
        ("expired", sealed_command("ping", id_="r-5", expires_in_s=-1)),
        ("wrong_boot", sealed_command("ping", id_="r-6", boot_id="3f0f6a6e-0000-4000-8000-000000000000")),
        ("unknown_command", sealed_command("reboot", id_="r-7")),
        ("bad_arguments", sealed_command("resend", {"stream": "orders", "first": 0, "last": 1}, id_="r-8")),
        ("bad_arguments", sealed_command("ping", {"loud": True}, id_="r-9")),
        ("not_supported", sealed_command("update", id_="r-10")),
        ("unknown_device", sealed_command("restart_device", {"device": "till-9"}, id_="r-11")),
        ("not_held", sealed_command("resend", {"stream": "orders", "first": 1, "last": 9}, id_="r-12")),
        ("not_a_display", sealed_command("show_message", text | {"touchpoint": "till-1"}, id_="r-13")),
        ("bad_arguments", sealed_command("show_message", text | {"text": "\x1b[2J", "device": "x"}, id_="r-14")),
    ]  # fmt: skip
    for index, (code, envelope) in enumerate(asked, 1):
        desk.send(envelope)
        answer = await desk.final(f"r-{index}")
        assert (answer["status"], answer["code"]) == ("refused", code), answer
        assert answer["detail"], "it says what to do"

    good = sealed_command("ping")
    strangers = [
        ("unsigned", b"{}"),
        ("malformed", b"\xff\x00"),
        ("unknown_key", sealed_command("ping", by=STRANGER)),
        ("bad_signature", good.replace(b'"payload":"ey', b'"payload":"eX')),
        ("too_large", b"x" * (1024 * 1024 + 1)),
        ("malformed", seal(command_payload("ping", id_="a/b"), COMMANDER.private, COMMANDER.id)),
    ]
    for count, (code, envelope) in enumerate(strangers, 1):
        desk.send(envelope)
        answer = (await desk.turned_away(count))[-1]
        assert (answer["status"], answer["code"]) == ("refused", code), answer
        assert answer["result"] == {"sha256": hashlib.sha256(envelope).hexdigest()}
    assert (await desk.result("ping"))["status"] == "done"
    assert agent.process.returncode is None


async def test_a_box_tells_how_it_is(shop: ShopUnderTest, desk: Desk, cable: Cable) -> None:
    await there(shop, desk)
    await shop.until_up()
    done = await desk.result("ping")
    assert done["result"]["boot_id"] == Clock().boot_id

    told = (await desk.result("report"))["result"]
    assert told["status"]["devices"][0]["id"] == "till-1-printer"
    assert told["reported"]["running"]["version"] == 0
    assert told["config"]["device"][0]["id"] == "till-1-printer"

    assert (await desk.result("set_log_level", {"level": "debug", "seconds": 60}))["result"]["before"] == "info"
    assert (await desk.result("set_log_level", {"level": "warning", "seconds": 1}))["result"]["before"] == "debug"
    logged = (await desk.result("log", {"level": "info", "limit": 500}))["result"]
    assert "agent_started" in {line["event"] for line in logged["lines"]}
    assert not logged["truncated"]
    few = (await desk.result("log", {"limit": 2}))["result"]
    assert len(few["lines"]) == 2
    assert few["truncated"]

    restarted = await desk.result("restart_device", {"device": "till-1-printer"})
    assert (restarted["status"], restarted["result"]["state"]) == ("done", "up"), restarted


async def test_what_head_office_lost_goes_up_again(shop: ShopUnderTest, desk: Desk) -> None:
    await there(shop, desk)
    await shop.central()
    await shop.sell(3)
    await shop.until_equal()
    with Listener(shop.store.broker.port, TOPICS.up("orders")) as ear:
        done = await desk.result("resend", {"stream": "orders", "first": 2, "last": 3})
        assert done["result"]["events"] == 2
        await until(lambda: sum(int(seen.user["count"]) for seen in ear.seen) == 2)
    assert min(int(seen.user["first"]) for seen in ear.seen) == 2
    assert shop.held() == shop.printed, "an event that comes twice is known by its id"


async def test_an_id_runs_once_through_restarts(shop: ShopUnderTest, desk: Desk) -> None:
    agent = await there(shop, desk)
    first = await desk.final(desk.ask("ping", id_="once"))
    desk.ask("restart", id_="once")
    assert await desk.final("once", 2) == first, "the same id gets the stored result, whatever it asks for"

    desk.ask("restart", id_="again", by=OPERATOR)
    assert (await desk.final("again"))["status"] == "done"
    async with asyncio.timeout(20):
        assert await agent.process.wait() == 0
    agent = await there(shop, desk)
    desk.ask("ping", id_="once")
    desk.ask("restart", id_="again", by=OPERATOR)
    assert await desk.final("once", 3) == first
    assert (await desk.final("again", 2))["status"] == "done"
    assert (await desk.result("ping"))["status"] == "done"
    assert agent.process.returncode is None, "a restart is one restart"


async def test_what_a_kill_interrupts_is_said_by_the_next_process(
    shop: ShopUnderTest, desk: Desk, cable: Cable
) -> None:
    agent = await there(shop, desk)
    await shop.until_up()
    listening = desk.ask("capture", {"device": "till-1-printer", "seconds": 600})
    await desk.said(listening, "accepted")
    desk.ask("ping", id_="beside")
    assert (await desk.final("beside"))["status"] == "done", "short ones do not wait for long ones"
    await agent.kill()
    await there(shop, desk)
    answer = await desk.final(listening)
    assert (answer["status"], answer["code"]) == ("failed", "interrupted")


async def test_an_answer_waits_for_the_link(shop: ShopUnderTest, desk: Desk) -> None:
    async with proxied(shop.store.broker.port) as line:
        config = shop.store.config.read_text("utf-8")
        shop.store.config.write_text(config.replace(f":{shop.store.broker.port}", f":{line.port}"), "utf-8")
        await there(shop, desk)
        line.delay = 0.5  # what is on its way when the line is cut is lost
        asked = desk.ask("forget_member", {"member": MEMBER})
        await until(lambda: ("done", asked) in [(entry.get("outcome"), entry.get("id")) for entry in shop.log])
        line.mode = Mode.REFUSE
        line.cut()
        assert not desk.finals(asked)
        line.delay, line.mode = 0.0, Mode.FORWARD
        answer = await desk.final(asked)
    assert (answer["status"], answer["result"]) == ("done", {"events": 0})
    assert MEMBER not in str(shop.log), "the log names nobody"
    state = shop.store.folder / "state"
    # What was asked names nobody either, once it is answered.
    await until(lambda: not any(MEMBER.encode() in path.read_bytes() for path in state.glob("edge.db*")))


async def test_a_message_stands_on_a_display(tmp_path: Path) -> None:
    async with shop_under_test(tmp_path, agent=TRUSTING_TOML, store_toml=STORE_TOML + DISPLAY) as shop:
        register, glass = Cable(tmp_path / "register"), CablePrinter(tmp_path / "glass")
        register.plug()
        glass.plug()
        try:
            with Desk(shop.store.broker.port) as desk:
                await there(shop, desk)
                await shop.until_up("till-1-display")
                asked = {"touchpoint": "till-1", "text": "CLOSED TODAY", "seconds": 60}
                assert (await desk.result("show_message", asked))["result"] == {"devices": ["till-1-display"]}
                await glass.until(lambda: b"CLOSED TODAY" in glass.printed)
        finally:
            await kill_relays(Relays.of(tmp_path / "state", shop.store.config).folder)
            register.close()
            glass.close()
