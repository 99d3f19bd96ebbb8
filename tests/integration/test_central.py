"""The reference central as a process against a real Mosquitto: stores, acknowledges, dies, comes back, is restored."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.contract.messages import Ack
from edge_agent.contract.topics import Topics
from edge_agent.simulator import central_reading as reading
from edge_agent.simulator.broker import Broker
from edge_agent.simulator.central_frames import Message
from tests.support.central import BareAgent, CentralProcess, message, until
from tests.support.orders import gap_event, order_event, order_events

AGENT = Topics("acme", "sh-0001", "pc-1")
OTHER = Topics("acme", "sh-0002", "pc-1")
FOREIGN = Topics("rival", "sh-0001", "pc-1")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def central(tmp_path: Path, broker: Broker) -> Iterator[CentralProcess]:
    with CentralProcess(tmp_path, broker.port) as central:
        yield central


@pytest.fixture
def agent(broker: Broker, central: CentralProcess) -> Iterator[BareAgent]:
    with BareAgent(broker.port, AGENT) as agent:
        yield agent


def orders_of(first: int, last: int, epoch: str = "e1", agent: Topics = AGENT) -> Message:
    return message(agent, "orders", epoch, order_events(first, last))


def upto(number: int, epoch: str = "e1") -> Callable[[Ack], bool]:
    return lambda ack: (ack.epoch, ack.upto.get("orders")) == (epoch, number)


def beyond(number: int, end: int) -> Callable[[Ack], bool]:
    return lambda ack: ack.upto["orders"] > number or ack.upto["orders"] == end


def test_stores_acknowledges_and_says_so(central: CentralProcess, agent: BareAgent) -> None:
    event = order_event(1)
    agent.send([message(AGENT, "orders", "e1", [event]), message(AGENT, "ops", "e1", order_events(1, 2), "identity")])
    ack = agent.wait(lambda ack: ack.upto == {"orders": 1, "ops": 2})
    assert (ack.epoch, ack.need, ack.day) == ("e1", {}, [])
    until(lambda: central.count("stored") == 3)
    assert next(line for line in central.said() if "stored" in line) == {
        "stored": "o2o.order.completed.v1", "agent": "pc-1", "store": "sh-0001", "stream": "orders", "sequence": 1,
        "id": event["id"], "order_no": "000001", "order_id": "00000000-0000-0000-0000-000000000001", "kind": "sale",
        "payable": 1,
    }  # fmt: skip
    assert central.stop() == 0


def test_a_gap_moves_the_watermark_and_another_epoch_starts_anew(agent: BareAgent, central: CentralProcess) -> None:
    agent.send([orders_of(1, 2), message(AGENT, "orders", "e1", [gap_event(3, 9)]), orders_of(10, 11)])
    agent.wait(upto(11))
    agent.send([orders_of(1, 1, epoch="e2")])
    agent.wait(upto(1, epoch="e2"))
    assert reading.alarms(central.database) == []


def test_bad_and_odd_input_is_alarmed(central: CentralProcess, agent: BareAgent) -> None:
    bad = Message(AGENT.up("orders"), {"epoch": "e1", "first": "1", "encoding": "zstd"}, b"rubbish")
    agent.send([bad])
    until(lambda: central.count("alarm") == 1)
    assert agent.misses(lambda _: True, 0.3)
    odd = order_event(2) | {"data": {"an order": "of a later age"}}
    agent.send([message(AGENT, "orders", "e1", [order_event(1), odd, order_event(2, id="impostor")])])
    agent.wait(upto(2))
    until(lambda: central.count("alarm") == 3)
    assert [line["alarm"] for line in central.said() if "alarm" in line] == [
        "bad_frame", "not_understood", "sequence_reused",
    ]  # fmt: skip
    assert len(reading.events(central.database)) == 3


def test_other_tenants_are_none_of_its_business(broker: Broker, tmp_path: Path) -> None:
    with (
        CentralProcess(tmp_path, broker.port, "--tenant", "acme") as central,
        BareAgent(broker.port, FOREIGN) as foreign,
        BareAgent(broker.port, AGENT) as agent,
    ):
        foreign.send([orders_of(1, 1, agent=FOREIGN)])
        agent.send([orders_of(1, 1)])
        agent.wait(upto(1))
        assert {key[0] for key in reading.watermarks(central.database)} == {AGENT}


def test_what_was_acknowledged_survives_every_kill(central: CentralProcess, agent: BareAgent) -> None:
    frames = [orders_of(first, first + 9) for first in range(1, 401, 10)]
    promised = 0
    for _ in range(5):
        agent.send(frames)
        promised = agent.wait(beyond(promised, 400)).upto["orders"]
        central.kill()
        held = reading.watermarks(central.database)[AGENT, "e1", "orders"].upto
        assert held >= promised
        central.start()
    agent.send(frames)
    agent.wait(upto(400))
    assert reading.totals(central.database) == {"sale": (400, 400 * 401 // 2)}
    assert reading.alarms(central.database) == []


def test_frames_wait_for_a_stopped_and_for_a_frozen_central(central: CentralProcess, agent: BareAgent) -> None:
    assert central.stop() == 0
    agent.send([orders_of(1, 5)])
    central.start()
    agent.wait(upto(5))
    central.pause()
    agent.send([orders_of(6, 9)])
    assert agent.misses(upto(9), 0.3)
    central.resume()
    agent.wait(upto(9))


def test_it_falls_behind_on_demand_and_then_takes_all_at_once(broker: Broker, tmp_path: Path) -> None:
    with CentralProcess(tmp_path, broker.port, "--delay", "400"), BareAgent(broker.port, AGENT) as agent:
        agent.send([orders_of(number, number) for number in range(1, 41)])
        agent.wait(upto(40))
        assert len(agent.acks) < 20


def test_acknowledgements_are_said_again_on_start(broker: Broker, central: CentralProcess, agent: BareAgent) -> None:
    agent.send([orders_of(1, 3)])
    agent.wait(upto(3))
    central.restart()
    agent.wait(upto(3), "the acknowledgement of the restarted central")


def test_a_broker_that_forgot_everything_is_told_again(
    broker: Broker, central: CentralProcess, agent: BareAgent
) -> None:
    agent.send([orders_of(1, 3)])
    agent.wait(upto(3))
    ready = central.count("ready")
    broker.restart(keep_memory=False)
    until(lambda: central.count("ready") > ready, "central's return")
    with BareAgent(broker.port, AGENT) as late:
        late.wait(upto(3))


def test_it_waits_for_a_broker_that_is_not_there_yet(broker: Broker, tmp_path: Path) -> None:
    broker.stop()
    central = CentralProcess(tmp_path, broker.port)
    central.start(wait=False)
    broker.start()
    until(lambda: central.count("ready"), "central's subscription")
    assert central.stop() == 0


def test_restored_from_a_backup_it_takes_its_word_back(
    central: CentralProcess, agent: BareAgent, tmp_path: Path
) -> None:
    agent.send([orders_of(1, 3)])
    agent.wait(upto(3))
    reading.backup(central.database, tmp_path / "backup.db")
    agent.send([orders_of(4, 9)])
    agent.wait(upto(9))
    central.restart(tmp_path / "backup.db")
    agent.wait(upto(3), "the lower watermark")
    agent.send([orders_of(4, 9)])
    agent.wait(upto(9))
    assert reading.totals(central.database) == {"sale": (9, 45)}


@pytest.mark.parametrize("known", [None, "e0"])
def test_restored_from_before_an_epoch_it_takes_its_word_back(
    central: CentralProcess, agent: BareAgent, tmp_path: Path, known: str | None
) -> None:
    if known:
        agent.send([orders_of(1, 2, epoch=known)])
        agent.wait(upto(2, epoch=known))
    reading.backup(central.database, tmp_path / "backup.db")
    agent.send([orders_of(1, 3)])
    agent.wait(upto(3))
    central.restart(tmp_path / "backup.db")
    agent.wait(upto(0), "the watermark of an epoch the backup never saw")


def test_restored_from_before_a_stream_it_takes_its_word_back(
    central: CentralProcess, agent: BareAgent, tmp_path: Path
) -> None:
    agent.send([orders_of(1, 3)])
    agent.wait(upto(3))
    reading.backup(central.database, tmp_path / "backup.db")
    agent.send([message(AGENT, "ops", "e1", order_events(1, 2))])
    agent.wait(lambda ack: ack.upto == {"orders": 3, "ops": 2})
    central.restart(tmp_path / "backup.db")
    agent.wait(lambda ack: ack.upto == {"orders": 3, "ops": 0}, "the watermark of a stream the backup never saw")


def test_a_hole_is_asked_for_once_it_has_lasted(central: CentralProcess, agent: BareAgent) -> None:
    agent.send([orders_of(1, 2), orders_of(6, 7)])
    first = agent.wait(upto(2))
    assert first.need == {}
    assert agent.wait(lambda ack: bool(ack.need)).need == {"orders": [(3, 5)]}
    agent.send([orders_of(3, 5)])
    assert agent.wait(upto(7)).need == {}


def test_it_asks_again_on_demand(central: CentralProcess, agent: BareAgent) -> None:
    agent.send([orders_of(1, 9)])
    agent.wait(upto(9))
    central.ask(OTHER, {"orders": [[1, 1]]})  # unknown: nothing to say
    central.ask(AGENT, {"orders": [[2, 4], [6, 6]]})
    ack = agent.wait(lambda ack: bool(ack.need))
    assert (ack.upto, ack.need) == ({"orders": 9}, {"orders": [(2, 4), (6, 6)]})
