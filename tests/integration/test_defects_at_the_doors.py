"""A defect that one message meets costs that message: planted where our own code works on it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from edge_agent.contract.events import Stream
from edge_agent.remote.configs import configs as pushes
from edge_agent.simulator.broker import Broker
from edge_agent.sync import sync
from edge_agent.uplink import Message
from edge_agent.uplink.link import open_link
from edge_agent.uplink.settings import UplinkSettings
from tests.support.agent import agent
from tests.support.broker import Listener, needs_mosquitto, until
from tests.support.central import CentralProcess
from tests.support.configs import desk
from tests.support.generation import configure
from tests.support.pty import Cable
from tests.support.pushing import store_config, with_device
from tests.support.recaptures import printed
from tests.support.slips import sale

PERSON = "王芳"  # in the message of an error, which may quote what a slip says
GOOD = with_device(store_config(), name="新收银")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    needs_mosquitto()
    with Broker(tmp_path / "broker") as broker:
        yield broker


def defect(*_: Any, **__: Any) -> Any:
    raise KeyError(PERSON)


def told(log: list[Any], event: str) -> list[Any]:
    """Return what was logged of it, which names places and quotes nothing."""
    found = [entry for entry in log if entry["event"] == event]
    assert all("defect" in str(entry["traceback"]) for entry in found)
    assert PERSON not in str(log)
    return found


async def test_a_push_is_refused_the_till_is_read_on_and_the_next_push_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, cable = configure(tmp_path), Cable(tmp_path / "till-1")
    cable.plug()
    async with desk(files) as here:
        with capture_logs() as log, monkeypatch.context() as planted:
            planted.setattr(pushes, "believed", defect)
            here.push(GOOD, 1)
            await here.until(None, "rejected", "malformed")
            await cable.write(printed(sale()))
            await until(lambda: here.running.storage.last(Stream.ORDERS) == 1)
        assert len(told(log, "push_crashed")) == 1
        here.push(GOOD, 2)
        await here.until(2, "committed")
    cable.close()


async def test_an_acknowledgement_is_passed_over_and_a_later_one_says_it_all(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with agent(tmp_path / "state", broker.port) as box:
        with capture_logs() as log, monkeypatch.context() as planted:
            planted.setattr(sync, "interpret", defect)
            await box.record(Stream.ORDERS, 3)
            with CentralProcess(tmp_path, broker.port, "--quiet"):
                await until(lambda: bool(told(log, "ack_crashed")))
                planted.undo()
                await box.record(Stream.ORDERS, 1)
                await box.delivered()


async def test_a_message_that_its_taker_stumbles_over_leaves_the_link_alive(broker: Broker) -> None:
    link = await open_link(UplinkSettings("127.0.0.1", broker.port, "acme.s1.pc-1"))
    came: list[Message] = []
    with Listener(broker.port, "none") as other, capture_logs() as log:
        await link.subscribe("down/bad", defect)
        await link.subscribe("down/good", came.append)
        other.publish("down/bad", b"1")
        other.publish("down/good", b"2")
        await until(lambda: bool(came))
        assert len(told(log, "message_crashed")) == 1
        assert await link.publish("up/orders", b"[]") in {0, 0x10}
    await link.disconnect(2)
