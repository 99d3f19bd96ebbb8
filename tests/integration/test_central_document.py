"""docs/central.md is true: its example is a central service, its account lines hold, its JSON and limits are ours."""

import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.contract.frames import MAX_EVENTS, MAX_EXPANDED_BYTES, MAX_SENT_BYTES, pack
from edge_agent.contract.messages import Ack, decode_ack
from edge_agent.contract.topics import Topics
from edge_agent.simulator.broker import Broker, BrokerOptions
from edge_agent.simulator.central_frames import Message
from edge_agent.sync.acks import day_answers
from tests.support.central import PATIENCE, BareAgent, message, until
from tests.support.orders import gap_event, order_event, order_events

DOCUMENT = (Path(__file__).parents[2] / "docs" / "central.md").read_text("utf-8")
AGENT = Topics("acme", "sh-0001", "pc-1")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)


def block(language: str) -> str:
    (text,) = blocks(language)
    return text


def orders_of(first: int, last: int, epoch: str = "e1") -> Message:
    return message(AGENT, "orders", epoch, order_events(first, last))


def upto(number: int, epoch: str = "e1") -> Callable[[Ack], bool]:
    return lambda ack: (ack.epoch, ack.upto.get("orders")) == (epoch, number)


class Example:
    """The page's own program, as a reader would run it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.database = folder / "central.db"
        self._script = folder / "central.py"
        self._script.write_text(block("python"), "utf-8")
        self._output = folder / "output"
        self._port = port

    @contextmanager
    def run(self) -> Iterator[None]:
        command = [sys.executable, "-W", "error", str(self._script), "127.0.0.1", str(self._port), str(self.database)]
        with self._output.open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield
            assert process.poll() is None, self._output.read_text()
        finally:
            process.kill()
            process.wait()

    def alarms(self) -> list[str]:
        return [line for line in self._output.read_text().splitlines() if line.startswith("ALARM")]

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()


def test_the_example_is_a_central_service(tmp_path: Path) -> None:
    first, second = orders_of(1, 3), orders_of(6, 8)
    with Broker(tmp_path / "broker") as broker, BareAgent(broker.port, AGENT) as agent:
        example = Example(tmp_path, broker.port)
        with example.run():
            until(lambda: send_until_acknowledged(agent, first, upto(3)))  # it may not have subscribed yet
            agent.send([first, second])
            agent.wait(upto(3))
            agent.send([message(AGENT, "orders", "e1", order_events(4, 5), "identity")])
            agent.wait(upto(8))
            agent.send([message(AGENT, "orders", "e1", [gap_event(9, 20)]), orders_of(21, 21)])
            agent.wait(upto(21))
            assert example.alarms() == []
            agent.send([message(AGENT, "orders", "e1", [order_event(2, id="impostor")])])
            until(lambda: len(example.alarms()) == 1)
            agent.send([RUBBISH, orders_of(22, 22)])
            agent.wait(upto(22))
            assert [line[:16] for line in example.alarms()] == ["ALARM: one seque", "ALARM: not a fra"]
        with example.run():
            agent.wait(upto(22), "the acknowledgement after a kill")
            agent.send([orders_of(1, 2, epoch="e2")])
            agent.wait(upto(2, epoch="e2"))
        # 1..8, the gap, 21, the impostor, 22 and two of the new epoch
        assert example.rows("SELECT count(*) FROM event") == [(8 + 1 + 1 + 1 + 1 + 2,)]
        assert example.rows("SELECT body FROM aside") == [(RUBBISH.body,)]


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b'{"a": 1}',
        b"[1]",
        b'[{"id": "x"}]',
        b'[{"id": "x", "type": "t", "sequence": "one"}]',
        bytes(2**20 + 9),
    ],
)
def test_the_example_survives_what_is_not_a_frame(tmp_path: Path, body: bytes) -> None:
    properties = {"epoch": "e1", "first": "1", "count": "1", "encoding": "zstd"}
    with Broker(tmp_path / "broker") as broker, BareAgent(broker.port, AGENT) as agent:
        example = Example(tmp_path, broker.port)
        with example.run():
            until(lambda: send_until_acknowledged(agent, FIRST, upto(1)))
            agent.send([Message(AGENT.up("orders"), properties, pack(body, "zstd"))])
            agent.send([Message(AGENT.up("orders"), {}, body[:100])])
            agent.send([orders_of(2, 2)])
            agent.wait(upto(2))
            assert len(example.alarms()) == 2


FIRST = orders_of(1, 1)
RUBBISH = Message(AGENT.up("orders"), {"epoch": "e1", "first": "1", "encoding": "zstd"}, b"rubbish")


def send_until_acknowledged(agent: BareAgent, frame: Message, condition: Callable[[Ack], bool]) -> bool:
    agent.send([frame])
    return not agent.misses(condition, 0.5)


def test_the_acknowledgement_on_the_page_is_one() -> None:
    text = blocks("json")[0]
    ack = decode_ack(text.encode())
    assert (ack.upto, ack.need, ack.day) == ({"orders": 137, "ops": 12}, {}, [])
    assert set(json.loads(text)) == set(Ack.__struct_fields__)


def test_the_answers_on_the_page_are_answers() -> None:
    answers, malformed = day_answers(decode_ack(blocks("json")[1].encode()))
    assert [(answer.workstation, answer.entries is None) for answer in answers] == [("03", True), ("04", False)]
    assert malformed == []


def test_the_limits_on_the_page_are_the_codes() -> None:
    assert f"1 to {MAX_EVENTS} [CloudEvents" in DOCUMENT
    assert f"at most {MAX_SENT_BYTES // 1024} KiB as sent and {MAX_EXPANDED_BYTES // 2**20} MiB expanded" in DOCUMENT


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Broker]:
    accounts = tmp_path / "accounts"
    accounts.touch(0o600)
    for name in ("acme.sh-0001.pc-1", "central"):
        subprocess.run(["mosquitto_passwd", "-b", str(accounts), name, "secret"], check=True, capture_output=True)
    rules = tmp_path / "acl"
    rules.write_text(block("acl"), "utf-8")
    rules.chmod(0o600)
    with Broker(tmp_path / "broker", BrokerOptions(password_file=accounts, acl_file=rules)) as broker:
        yield broker


@pytest.mark.parametrize(
    ("account", "topic", "allowed"),
    [
        (AGENT.client_id, AGENT.up("orders"), True),
        (AGENT.client_id, AGENT.state, True),
        (AGENT.client_id, AGENT.health, True),
        (AGENT.client_id, f"{AGENT.root}/config/reported", True),
        (AGENT.client_id, f"{AGENT.root}/reply/17", True),
        (AGENT.client_id, AGENT.ack, False),
        (AGENT.client_id, f"{AGENT.root}/down/command", False),
        (AGENT.client_id, Topics("acme", "sh-0002", "pc-1").up("orders"), False),
        ("central", AGENT.ack, True),
        ("central", AGENT.up("orders"), False),
        ("central", f"{AGENT.root}/down/config", False),
    ],
)
def test_the_accounts_may_publish_what_they_should(guarded: Broker, account: str, topic: str, allowed: bool) -> None:
    with connected(guarded, account) as (client, reasons):
        client.publish(topic, b"x", qos=1).wait_for_publish(PATIENCE)
        until(lambda: reasons)
        assert (not reasons[0].is_failure) is allowed


def test_the_accounts_read_what_they_should(guarded: Broker) -> None:
    received: list[str] = []
    with connected(guarded, "central") as (central, _), connected(guarded, AGENT.client_id) as (agent, _):
        for client, name in ((central, "central"), (agent, "agent")):
            client.on_message = lambda *args, name=name: received.append(f"{name} {args[2].topic}")
            ready = threading.Event()
            client.on_subscribe = lambda *_, ready=ready: ready.set()
            client.subscribe([("o2o/1/acme/+/+/up/+", 1), (AGENT.ack, 1)])
            assert ready.wait(PATIENCE)
        agent.publish(AGENT.up("orders"), b"x", qos=1)
        until(lambda: received)
        central.publish(AGENT.ack, b"{}", qos=1)
        until(lambda: len(received) >= 3)
    assert sorted(received) == [f"agent {AGENT.ack}", f"central {AGENT.ack}", f"central {AGENT.up('orders')}"]


@contextmanager
def connected(broker: Broker, account: str) -> Iterator[tuple[mqtt.Client, list[Any]]]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, account, protocol=mqtt.MQTTv5)
    client.username_pw_set(account, "secret")
    reasons: list[Any] = []
    there = threading.Event()
    client.on_connect = lambda *_: there.set()
    client.on_publish = lambda _client, _data, _mid, reason, _properties: reasons.append(reason)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    assert there.wait(PATIENCE)
    yield client, reasons
    client.disconnect()
    client.loop_stop()
