"""A range is sent again because somebody at head office asks for it by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.contract.envelope import Refused
from edge_agent.contract.events import Stream
from edge_agent.contract.messages import Ack, encode
from edge_agent.simulator.broker import Broker
from tests.integration.sync.test_delivery import sequences
from tests.support.agent import TOPICS, agent
from tests.support.broker import Listener, needs_mosquitto, until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    needs_mosquitto()
    with Broker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    with Listener(broker.port, TOPICS.up("orders")) as listener:
        yield listener


def confirmed(epoch: str, upto: int, **more: object) -> bytes:
    return encode(Ack(epoch=epoch, upto={"orders": upto}, **more))  # type: ignore[arg-type]  # test shorthand


async def test_a_range_goes_again_and_nothing_else(tmp_path: Path, broker: Broker, listener: Listener) -> None:
    async with agent(tmp_path / "state", broker.port) as box:
        await box.record(Stream.ORDERS, 10)
        await until(lambda: len(sequences(listener, Stream.ORDERS)) == 10)
        listener.publish(TOPICS.ack, confirmed(box.storage.epoch, 10))
        await box.delivered()
        assert await box.sync.resend(Stream.ORDERS, 3, 5) == 3
        await until(lambda: len(sequences(listener, Stream.ORDERS)) == 13)
        await box.record(Stream.ORDERS, 1)
        await until(lambda: sequences(listener, Stream.ORDERS)[-1] == 11)
        assert sequences(listener, Stream.ORDERS)[10:] == [3, 4, 5, 11]


async def test_what_is_not_there_is_said(tmp_path: Path, broker: Broker, listener: Listener) -> None:
    async with agent(tmp_path / "state", broker.port) as box:
        with pytest.raises(Refused, match=r"not_held: 1 \.\. 1 of orders: there is nothing"):
            await box.sync.resend(Stream.ORDERS, 1, 1)
        await box.record(Stream.ORDERS, 10)
        for first, last in ((8, 11), (5, 4), (11, 11)):
            with pytest.raises(Refused, match=r"there is 1 \.\. 10"):
                await box.sync.resend(Stream.ORDERS, first, last)
        await until(lambda: len(sequences(listener, Stream.ORDERS)) == 10)


@pytest.mark.parametrize("asked", ["by hand", "in an acknowledgement"])
async def test_it_waits_for_the_first_link(tmp_path: Path, broker: Broker, listener: Listener, asked: str) -> None:
    async with agent(tmp_path / "state", broker.port) as box:
        await box.record(Stream.ORDERS, 10)
        await until(lambda: len(sequences(listener, Stream.ORDERS)) == 10)
        epoch = box.storage.epoch
        listener.publish(TOPICS.ack, confirmed(epoch, 10))
        await box.delivered()
    if asked == "in an acknowledgement":
        listener.publish(TOPICS.ack, confirmed(epoch, 10, need={"orders": [(3, 5)]}))
    async with agent(tmp_path / "state", broker.port) as box:
        if asked == "by hand":
            assert await box.sync.resend(Stream.ORDERS, 3, 5) == 3
        await until(lambda: sequences(listener, Stream.ORDERS)[10:] == [3, 4, 5])
