"""The reference central service as a process of its own, and an agent's bare hands to try it with."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Self

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_agent.contract.frames import CONTENT_TYPE, pack
from edge_agent.contract.messages import Ack, decode_ack
from edge_agent.contract.topics import Topics
from edge_agent.simulator.central_frames import Message

PATIENCE = 20.0  # seconds until a condition that never comes true fails its test


def until(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """Return the condition's first true answer."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true in {PATIENCE} s")


class CentralProcess:
    """The service on a database file; the context starts and stops it."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.database = folder / "central.db"
        self.options = options
        self._port = port
        self._folder = folder
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.resume()
            self.stop()

    def start(self, *, wait: bool = True) -> None:
        """Start; return when it is subscribed, unless told not to wait (the broker may be away)."""
        before = self.count("ready")
        command = [sys.executable, "-m", "edge_agent.simulator.central", "--port", str(self._port)]
        command += ["--database", str(self.database), *self.options]
        self._starts += 1
        with self._output(self._starts).open("wb") as output:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output)
        if wait:
            until(lambda: self.count("ready") > before, "central's subscription")

    def stop(self) -> int:
        """End it cleanly and return its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it as a power cut would."""
        return self._end(signal.SIGKILL)

    def restart(self, database: Path | None = None) -> None:
        """Kill and start, on the same database or on another one."""
        self.kill()
        self.database = database or self.database
        self.start()

    def pause(self) -> None:
        """Fall behind: connected, and storing nothing."""
        self.running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        self.running.send_signal(signal.SIGCONT)

    def ask(self, agent: Topics, need: dict[str, list[list[int]]]) -> None:
        """Have it ask an agent for ranges."""
        assert self.running.stdin
        name = f"{agent.tenant}/{agent.store}/{agent.agent}"
        self.running.stdin.write(json.dumps({"agent": name, "need": need}).encode() + b"\n")
        self.running.stdin.flush()

    def said(self) -> list[dict[str, Any]]:
        """Return every line of its stdout so far."""
        # A file for each start: one that is killed may leave half a line, which the next one would go on writing.
        wholes = [self._output(start).read_text("utf-8").rpartition("\n")[0] for start in range(1, self._starts + 1)]
        return [json.loads(line) for whole in wholes for line in whole.splitlines()]

    def count(self, key: str) -> int:
        """Return how many lines with this key it has said."""
        return sum(key in line for line in self.said())

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """The process; fails when there is none."""
        assert self._process is not None
        return self._process

    def _output(self, start: int) -> Path:
        return self._folder / f"central-{start}.out"

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self.running, None
        process.send_signal(number)
        assert process.stdin
        process.stdin.close()
        return process.wait(PATIENCE)


def message(
    agent: Topics, stream: str, epoch: str, events: Sequence[dict[str, Any]], encoding: str = "zstd"
) -> Message:
    """Return a frame as it arrives at central."""
    body = msgspec.json.encode(events)
    properties = {"epoch": epoch, "first": events[0]["sequence"], "count": str(len(events)), "encoding": encoding}
    return Message(agent.up(stream), properties, pack(body, "zstd") if encoding == "zstd" else body)


class BareAgent:
    """An MQTT client that publishes frames and collects acknowledgements; it resends nothing by itself."""

    def __init__(self, port: int, topics: Topics) -> None:
        self.topics = topics
        self.acks: list[Ack] = []
        self._port = port
        self._inbox: SimpleQueue[Ack] = SimpleQueue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._subscribed: SimpleQueue[None] = SimpleQueue()
        self._client.on_connect = lambda client, *_: client.subscribe(topics.ack, 1)
        self._client.on_subscribe = lambda *_: self._subscribed.put(None)
        self._client.on_message = lambda _client, _data, ack: self._inbox.put(decode_ack(ack.payload))

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        self._subscribed.get(timeout=PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, messages: Iterable[Message]) -> None:
        """Publish at QoS 1 and return when the broker has all of them."""
        infos = []
        for frame in messages:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it untyped
            properties.ContentType = CONTENT_TYPE
            properties.UserProperty = list(frame.properties.items())
            infos.append(self._client.publish(frame.topic, frame.body, qos=1, properties=properties))
        for info in infos:
            info.wait_for_publish(PATIENCE)

    def wait(self, condition: Callable[[Ack], bool], what: str = "an acknowledgement") -> Ack:
        """Return the next acknowledgement for which the condition is true; all are kept in ``acks``."""
        try:
            while True:
                ack = self._inbox.get(timeout=PATIENCE)
                self.acks.append(ack)
                if condition(ack):
                    return ack
        except Empty:
            raise AssertionError(f"{what} did not come in {PATIENCE} s; {self.acks[-3:]}") from None

    def misses(self, condition: Callable[[Ack], bool], seconds: float) -> bool:
        """Return whether no acknowledgement for which the condition is true comes for so long."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                ack = self._inbox.get(timeout=max(0.0, deadline - time.monotonic()))
                self.acks.append(ack)
                if condition(ack):
                    return False
        except Empty:
            return True
