"""The uplink against a real Mosquitto: what it says, what it is told, and how it takes a no."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.clock import Clock
from edge_agent.contract.topics import Topics
from edge_agent.errors import LinkError
from edge_agent.health import Health
from edge_agent.simulator.broker import Broker, BrokerOptions, free_port
from edge_agent.uplink import Link, Message, Uplink, UplinkSettings, probe
from edge_agent.uplink.link import open_link
from tests.support.between import SUBACK, Write, between, kind
from tests.support.broker import Listener, needs_mosquitto, running, until
from tests.support.proxy import Mode, proxied

STATE = "o2o/1/acme/s1/pc-1/state"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    needs_mosquitto()
    with Broker(tmp_path / "broker") as broker:
        yield broker


def settings(port: int, **changes: object) -> UplinkSettings:
    return UplinkSettings("127.0.0.1", port, "acme.s1.pc-1", **changes)  # type: ignore[arg-type]  # test shorthand


class Harness:
    """An uplink whose session keeps the link for the test."""

    def __init__(self, settings: UplinkSettings) -> None:
        self.settings = settings
        self.health = Health(Clock())
        self.jitter = 0.05
        topics = Topics("acme", "s1", "pc-1")
        self.uplink = Uplink(settings, topics, self.health, Clock(), lambda: "an-epoch", jitter=lambda: self.jitter)
        self.links: list[Link] = []

    async def session(self, link: Link) -> None:
        self.links.append(link)
        await asyncio.Event().wait()

    def run(self) -> "asyncio.Task[None]":
        return self.uplink.run(self.session)  # type: ignore[return-value]  # a coroutine, run by ``running``

    def code(self) -> str | None:
        return next((r.condition.code for r in self.health.conditions() if r.part == "link"), None)


def states(listener: Listener) -> list[str]:
    return [json.loads(seen.payload)["state"] for seen in listener.seen if seen.topic == STATE]


async def test_it_says_online_and_when_told_to_stop_stopping(broker: Broker) -> None:
    harness = Harness(settings(broker.port))
    with Listener(broker.port, STATE) as listener:
        async with running(harness.run()):
            await until(lambda: states(listener) == ["online"])
            assert harness.code() is None
        await until(lambda: len(listener.seen) >= 2)
        assert states(listener) == ["online", "stopping"]
    with Listener(broker.port, STATE) as late:
        await until(lambda: late.seen)
        assert late.seen[0].retained
        assert states(late) == ["stopping"]


async def test_its_will_says_lost(broker: Broker) -> None:
    harness = Harness(settings(broker.port))
    with Listener(broker.port, STATE) as listener:
        async with proxied(broker.port) as proxy:
            harness = Harness(settings(proxy.port))
            async with running(harness.run()):
                await until(lambda: states(listener) == ["online"])
                proxy.mode = Mode.REFUSE
                proxy.cut()
                await until(lambda: states(listener) == ["online", "lost"])
                proxy.mode = Mode.FORWARD
                await until(lambda: states(listener) == ["online", "lost", "online"])


async def test_messages_go_out_and_come_in(broker: Broker) -> None:
    with Listener(broker.port, "up/#") as listener:
        link = await open_link(settings(broker.port))
        came: list[Message] = []
        await link.subscribe("down/#", came.append)
        codes: list[int] = []
        link.send("up/orders", b"[]", codes.append, properties=[("epoch", "e"), ("first", "1")], content_type="x/y")
        await until(lambda: codes == [0] and listener.seen)
        assert listener.seen[0].user == {"epoch": "e", "first": "1"}
        assert listener.seen[0].content_type == "x/y"
        assert link.outstanding == link.outstanding_bytes == 0
        listener.publish("down/ack", b"{}")
        await until(lambda: came)
        assert came == [Message("down/ack", b"{}", retained=False)]
        assert await link.publish("nobody/listens", b"?") == 0x10
        await link.disconnect(2)


async def test_nobody_listens_at_the_port() -> None:
    with pytest.raises(LinkError) as caught:
        await probe(settings(free_port()))
    assert caught.value.reason == "refused"


async def test_a_black_hole_times_out_and_never_blocks_the_loop(broker: Broker) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    loop = asyncio.get_running_loop()
    async with proxied(broker.port) as proxy, running(tick()):
        proxy.mode = Mode.SWALLOW
        begun = loop.time()
        with pytest.raises(LinkError) as caught:
            await probe(settings(proxy.port, connect_timeout=1.0))
        expected = (loop.time() - begun) / 0.01
    assert caught.value.reason == "timeout"
    assert ticks > expected / 2


async def test_wrong_password_is_named(tmp_path: Path) -> None:
    needs_mosquitto()
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    with Broker(tmp_path / "broker", BrokerOptions(password_file=passwords)) as broker:
        harness = Harness(settings(broker.port, username="sh-0001", password=lambda: "wrong"))
        async with running(harness.run()):
            await until(lambda: harness.code() is not None)
            assert harness.code() == "not_authorized"
            assert not harness.uplink.connected


async def test_a_denied_topic_and_a_denied_subscription_are_told_by_reason(tmp_path: Path) -> None:
    needs_mosquitto()
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite allowed/#\n")
    acl.chmod(0o600)
    with Broker(tmp_path / "broker", BrokerOptions(acl_file=acl)) as broker:
        link = await open_link(settings(broker.port))
        assert await link.publish("denied/topic", b"x") == 0x87
        harness = Harness(settings(broker.port, connect_timeout=5.0))
        link.close()
        async with running(harness.run()):
            await until(lambda: harness.code() == "not_authorized")  # its state topic is denied


async def test_the_brokers_limits_are_taken_over(tmp_path: Path) -> None:
    needs_mosquitto()
    with Broker(tmp_path / "broker", BrokerOptions(max_packet_size=2_000, max_inflight_messages=7)) as broker:
        link = await open_link(settings(broker.port))
        assert (link.max_packet, link.window) == (2_000, 7)
        room = link.payload_room("up/orders", [("epoch", "e")], "x/y")
        codes: list[int] = []
        link.send("up/orders", b"x" * room, codes.append, properties=[("epoch", "e")], content_type="x/y")
        await until(lambda: codes == [0x10])
        link.close()


async def test_a_second_box_with_the_same_id_is_named(broker: Broker) -> None:
    harness = Harness(settings(broker.port))
    async with running(harness.run()):
        await until(lambda: harness.links)
        await probe(settings(broker.port))
        await until(lambda: harness.code() == "session_taken_over" or len(harness.links) > 1)
        await until(lambda: len(harness.links) > 1)


@pytest.mark.parametrize("keep_memory", [True, False])
async def test_a_restarted_broker_is_found_again(broker: Broker, keep_memory: bool) -> None:
    harness = Harness(settings(broker.port))
    async with running(harness.run()):
        await until(lambda: harness.links)
        await asyncio.to_thread(broker.restart, keep_memory=keep_memory)
        await until(lambda: len(harness.links) > 1)
        with Listener(broker.port, STATE) as listener:
            await until(lambda: states(listener)[:1] == ["online"])


async def test_stopping_with_a_frozen_broker_takes_two_seconds_at_most(broker: Broker) -> None:
    harness = Harness(settings(broker.port))
    loop = asyncio.get_running_loop()
    async with running(harness.run()) as task:
        await until(lambda: harness.links)
        broker.pause()
        begun = loop.time()
        task.cancel()
        await asyncio.wait([task])
        assert loop.time() - begun < 4  # 2 s of patience and a busy machine


def address(change: str) -> bool:
    command = ["ip", "address", change, "127.77.66.55/32", "dev", "lo"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def may_change_addresses() -> Iterator[None]:
    if shutil.which("ip") is None or not address("add"):
        pytest.skip("may not change addresses here")
    address("delete")
    yield
    address("delete")


async def test_a_returning_network_ends_the_pause(tmp_path: Path, may_change_addresses: None) -> None:
    needs_mosquitto()
    harness = Harness(settings(free_port()))
    harness.jitter = 3_600.0  # an hour is drawn
    async with running(harness.run()):
        await until(lambda: harness.code() == "refused")
        with Broker(tmp_path / "broker", port=harness.settings.port):
            harness.jitter = 0.0
            assert address("add")
            await until(lambda: harness.links)


async def test_told_to_stop_while_a_lost_session_is_ending(broker: Broker) -> None:
    harness = Harness(settings(broker.port))
    ending = asyncio.Event()

    async def session(link: Link) -> None:
        try:
            await harness.session(link)
        finally:
            ending.set()
            await asyncio.sleep(0.1)

    async with running(harness.uplink.run(session)) as task:
        await until(lambda: harness.links)
        broker.kill()
        await ending.wait()
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        assert done


async def test_a_session_may_end_the_connection_from_a_task_group_of_its_own(broker: Broker) -> None:
    harness = Harness(settings(broker.port))
    harness.jitter = 0.0

    async def refuse() -> None:
        raise LinkError("new_epoch")

    async def session(link: Link) -> None:
        harness.links.append(link)
        async with asyncio.TaskGroup() as parts:  # at its end when a part fails: Python 3.11 forgets to uncancel
            parts.create_task(asyncio.Event().wait())
            parts.create_task(refuse())

    async with running(harness.uplink.run(session)):
        await until(lambda: len(harness.links) >= 2)


async def test_a_failing_session_is_not_hidden(broker: Broker) -> None:
    harness = Harness(settings(broker.port))

    async def defect(link: Link) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        await harness.uplink.run(defect)
    assert caught.group_contains(ZeroDivisionError)


async def test_a_frozen_broker_is_noticed_by_the_missing_puback(broker: Broker) -> None:
    harness = Harness(settings(broker.port, puback_timeout=0.5))
    async with running(harness.run()):
        await until(lambda: harness.links)
        broker.pause()
        answers: list[int] = []
        harness.links[0].send("up/orders", b"[]", answers.append)
        await until(lambda: harness.code() == "no_puback")
        assert answers == []
        broker.resume()
        await until(lambda: len(harness.links) > 1 and harness.code() is None)


async def test_a_broker_that_never_answers_a_subscription_is_left_and_tried_again(broker: Broker) -> None:
    def deaf(packet: bytes, write: Write) -> None:
        if kind(packet) != SUBACK:
            write(packet)

    async def session(link: Link) -> None:
        await link.subscribe("down/ack", lambda _: None)
        subscribed.set()
        await asyncio.Event().wait()

    subscribed = asyncio.Event()
    async with between(broker.port) as middle:
        middle.meddle = deaf
        harness = Harness(settings(middle.port, puback_timeout=0.5))
        async with running(harness.uplink.run(session)):
            await until(lambda: harness.code() == "no_puback")
            assert not subscribed.is_set()
            middle.meddle = None
            await until(lambda: subscribed.is_set() and harness.code() is None)


async def test_a_slow_line_is_given_the_time_it_takes(broker: Broker) -> None:
    async with proxied(broker.port) as proxy:
        proxy.bytes_per_second = 100_000
        link = await open_link(settings(proxy.port, puback_timeout=1.5))
        answers: list[int] = []
        async with running(link.watch(lambda: None)):
            # More than the kernel's buffers hold, so that the line's pace is seen here; 3 s at this pace.
            link.send("nobody/listens", b"x" * 300_000, answers.append)
            await until(lambda: answers)
        assert answers == [0x10]
        link.close()


async def test_a_subscribe_behind_a_long_message_is_given_the_time_that_one_takes(broker: Broker) -> None:
    async with proxied(broker.port) as proxy:
        proxy.bytes_per_second = 100_000
        link = await open_link(settings(proxy.port, puback_timeout=1.5))
        async with running(link.watch(lambda: None)):
            link.send("nobody/listens", b"x" * 300_000, lambda _: None)
            async with asyncio.timeout(30):
                await link.subscribe("anything", lambda _: None)
        link.close()


def far_from_a_try(harness: Harness) -> None:
    """Make its next pause one of an hour, as those of a minute are for somebody who looks at a screen."""
    harness.jitter = 0.99
    harness.uplink._backoff._ceiling = 3600.0


async def test_who_is_in_a_hurry_does_not_wait_out_the_pause(broker: Broker) -> None:
    async with proxied(broker.port) as proxy:
        proxy.mode = Mode.REFUSE
        harness = Harness(settings(proxy.port))
        far_from_a_try(harness)
        async with running(harness.run()):
            await until(harness.code)
            proxy.mode = Mode.FORWARD
            assert harness.uplink.hurry() == "connecting"
            await until(lambda: harness.links)
            assert harness.uplink.hurry() == "connected"
            assert proxy.connections == 2


async def test_hurrying_again_and_again_makes_no_storm(broker: Broker) -> None:
    async with proxied(broker.port) as proxy:
        proxy.mode = Mode.REFUSE
        harness = Harness(settings(proxy.port))
        far_from_a_try(harness)
        async with running(harness.run()):
            await until(harness.code)
            for _ in range(100):
                assert harness.uplink.hurry() == "connecting"
                await asyncio.sleep(0.005)
            assert proxy.connections == 2
