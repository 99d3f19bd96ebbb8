"""Head office's word on business days: it gets through once for each time it is said, and nothing else does."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from edge_agent.contract.events import Stream
from edge_agent.contract.messages import Ack, DayAnswer, encode
from edge_agent.simulator.broker import Broker
from tests.support.agent import TOPICS, agent
from tests.support.broker import Listener, needs_mosquitto, until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    needs_mosquitto()
    with Broker(tmp_path / "broker") as broker:
        yield broker


class Heard:
    def __init__(self) -> None:
        self.words: list[tuple[list[str], bool]] = []

    def __call__(self, answers: Sequence[DayAnswer], *, settled: bool) -> None:
        self.words.append(([answer.digest for answer in answers], settled))


def ack(epoch: str, orders: int, *days: object) -> bytes:
    return encode(Ack(epoch=epoch, upto={"orders": orders}, day=[msgspec.Raw(encode(day)) for day in days]))


def day(digest: str) -> DayAnswer:
    return DayAnswer(business_day="2026-11-22", workstation="03", digest=digest)


async def test_words_on_days_get_through_and_tell_whether_everything_was_known(tmp_path: Path, broker: Broker) -> None:
    heard = Heard()
    with Listener(broker.port, f"{TOPICS.root}/up/#") as central:
        async with agent(tmp_path / "state", broker.port) as box:
            box.sync.on_day_answers.append(heard)
            epoch = box.storage.epoch
            await box.record(Stream.ORDERS, 2)
            await until(lambda: central.seen)
            for payload in (
                ack(epoch, 1, day("a")),
                ack(epoch, 1, day("a")),  # retained, said again: no news
                ack("00000000-0000-4000-8000-000000000000", 1, day("of another epoch")),
                ack(epoch, 1),
                ack(epoch, 2, day("b"), {"business_day": 7}, "nonsense", day("c")),
            ):
                central.publish(TOPICS.ack, payload)
            await box.delivered()
    assert heard.words == [(["a"], False), (["b", "c"], True)]


async def test_what_was_said_while_the_box_was_off_is_heard_when_it_is_back(tmp_path: Path, broker: Broker) -> None:
    heard = Heard()
    with Listener(broker.port, f"{TOPICS.root}/up/#") as central:
        async with agent(tmp_path / "state", broker.port) as box:
            await box.record(Stream.ORDERS, 1)
            await until(lambda: central.seen)
            epoch = box.storage.epoch
        central.publish(TOPICS.ack, ack(epoch, 1, day("a")))
        async with agent(tmp_path / "state", broker.port, connected=False) as box:
            await box.record(Stream.ORDERS, 1)
        async with agent(tmp_path / "state", broker.port) as box:
            box.sync.on_day_answers.append(heard)
            await until(lambda: heard.words)
    assert heard.words == [(["a"], False)]
