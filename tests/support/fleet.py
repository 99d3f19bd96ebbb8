"""A chain of simulated agents: their side of the wire in one process, and edge-fleet as an operator meets it."""

import base64
import io
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from unittest import mock

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.contract.envelope import Key, Refused, unseal
from edge_agent.contract.messages import State
from edge_agent.contract.remote import Command, ConfigId, ConfigPush, Desired, Reported, opened
from edge_agent.contract.topics import Topics, parse_root
from edge_agent.fleet.__main__ import main
from edge_agent.fleet.pushes import digest
from tests.support.command import Result

TENANT = "demo"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = Key("ops-1", KEY.public_key().public_bytes_raw(), frozenset({"config", "command", "dataset"}))
# One file for the whole chain; the values of a store: port, baud:int.
STORE_TOML = """\
[store]
name = "店"
timezone = "Asia/Shanghai"
currency = "CNY"

[[touchpoint]]
id = "till-1"

[[device]]
id = "till-1-printer"
kind = "serial"
touchpoint = "till-1"
port = "/dev/${port}"
baudrate = "${baud}"
decoder = "escpos"
"""
NEVER_PUSHED = ConfigId(0, "0" * 64)


@dataclass
class Fate:
    """What an agent makes of the next push: the phase it ends in, and how it is then."""

    phase: str = "committed"  # or rejected, rolled_back, or trial: it comes to no end
    code: str | None = None
    level: str = "ok"  # of its health once the push is committed
    trial_s: float = 0.02


@dataclass
class Simulated:
    """One agent. ``tried``: the pushes that took its line of versions, in order."""

    topics: Topics
    fate: Fate = field(default_factory=Fate)
    standing: str = "online"
    level: str = "ok"
    reported: Reported = field(default_factory=lambda: Reported(running=NEVER_PUSHED, last_known_good=NEVER_PUSHED))
    config: dict[str, Any] = field(default_factory=dict)
    line: ConfigId = NEVER_PUSHED
    lying: bytes = b""
    tried: list[ConfigId] = field(default_factory=list)
    configs: dict[int, dict[str, Any]] = field(default_factory=dict)


class Chain:
    """Agents on one connection; what they do happens on its thread and on one timer's."""

    def __init__(self, port: int, stores: Iterable[str], config: dict[str, Any] | None = None) -> None:
        topics = [Topics(TENANT, store, "pc-1") for store in stores]
        self.agents = {one.store: Simulated(one, config=config or {}) for one in topics}
        self._port = port
        self._lock = threading.RLock()
        self._ready = threading.Event()
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._ended = threading.Event()
        self.taken: list[str] = []  # stores whose agents took up a push, in order
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(f"o2o/1/{TENANT}/+/+/down/#", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._timer = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._client.max_inflight_messages_set(0)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        assert self._ready.wait(20)
        self._timer.start()
        with self._lock:
            for agent in self.agents.values():
                self._tell(agent)
            last = self._publish(f"o2o/1/{TENANT}/ready", b"1", retain=False)
        last.wait_for_publish(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._timer.join()
        self._client.disconnect()
        self._client.loop_stop()

    def stand(self, store: str, standing: str) -> None:
        """Let an agent come (``online``), stop, or be lost; one that comes finds what lies on its topic."""
        with self._lock:
            agent = self.agents[store]
            agent.standing = standing
            self._tell(agent)
            if standing == "online" and agent.lying:
                self._take(agent, agent.lying)

    def feel(self, store: str, level: str) -> None:
        """Let an agent's health have a level."""
        with self._lock:
            self.agents[store].level = level
            self._tell(self.agents[store])

    def fates(self, stores: Iterable[str], **fate: Any) -> None:
        """Decide what some agents make of the next push."""
        for store in stores:
            self.agents[store].fate = Fate(**fate)

    def tried(self) -> dict[str, list[int]]:
        """Return the versions that were tried, by store; of those that were pushed to."""
        with self._lock:
            return {store: [one.version for one in agent.tried] for store, agent in self.agents.items() if agent.tried}

    def _tell(self, agent: Simulated) -> None:
        topics = agent.topics
        state = State(state=agent.standing, boot_id="b", epoch="e", version="0.1.0", since="2026-11-22T10:00:00+08:00")
        self._publish(topics.state, msgspec.json.encode(state))
        if agent.standing == "online":
            self._publish(topics.health, msgspec.json.encode({"level": agent.level, "headline": agent.level}))
            self._publish(topics.reported, msgspec.json.encode(agent.reported))

    def _publish(self, topic: str, payload: bytes, *, retain: bool = True) -> mqtt.MQTTMessageInfo:
        return self._client.publish(topic, payload, qos=1, retain=retain)

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        found = parse_root(message.topic)
        agent = self.agents.get(found[0].store) if found else None
        if found is None or agent is None:
            return
        with self._lock:
            if found[1] == "down/config":
                agent.lying = bytes(message.payload)
                if agent.standing == "online" and agent.lying:
                    self._take(agent, agent.lying)
            elif found[1] == "down/command" and agent.standing == "online":
                self._answer(agent, bytes(message.payload))

    def _answer(self, agent: Simulated, envelope: bytes) -> None:
        command = opened(unseal(envelope, [TRUSTED]), Command, "command", agent.topics)
        result = {"config": agent.config}
        reply = {"id": command.id, "status": "done", "at": "2026-11-22T10:00:00+08:00", "result": result}
        self._publish(agent.topics.reply(command.id), msgspec.json.encode(reply), retain=False)

    def _take(self, agent: Simulated, envelope: bytes) -> None:
        try:
            signed = unseal(envelope, [TRUSTED])
            push = opened(signed, ConfigPush, "config", agent.topics)
        except Refused as refused:
            self._report(agent, "rejected", None, refused.code)
            return
        push_id = ConfigId(push.version, digest(signed.payload))
        if push_id == agent.line:
            self._tell(agent)
        elif push.version <= agent.line.version:
            self._report(agent, "rejected", push.version, "not_newer")
        else:
            agent.line = push_id
            agent.tried.append(push_id)
            self.taken.append(agent.topics.store)
            agent.configs[push.version] = push.config
            self._begin(agent, push_id, agent.fate)

    def _begin(self, agent: Simulated, push: ConfigId, fate: Fate) -> None:
        if fate.phase == "rejected":
            self._report(agent, "rejected", push.version, fate.code or "invalid_config")
            return
        for phase in ("received", "verified", "staged", "trial"):
            self._report(agent, phase, push.version)
        if fate.phase != "trial":
            self._due.append((time.monotonic() + fate.trial_s, lambda: self._end(agent, push, fate)))

    def _end(self, agent: Simulated, push: ConfigId, fate: Fate) -> None:
        if agent.line != push:
            return
        if fate.phase == "committed":
            agent.reported = replace_running(agent.reported, push)
            agent.config = agent.configs[push.version]
            agent.level = fate.level
            self._report(agent, "committed", push.version)
            self._tell(agent)
        else:
            self._report(agent, fate.phase, push.version, fate.code or "device_failed")

    def _report(self, agent: Simulated, phase: str, version: int | None, code: str | None = None) -> None:
        agent.reported = msgspec.structs.replace(
            agent.reported, phase=phase, desired=Desired(version), code=code, detail=code and f"detail of {code}"
        )
        if agent.standing == "online":
            self._publish(agent.topics.reported, msgspec.json.encode(agent.reported))

    def _run(self) -> None:
        while not self._ended.wait(0.005):
            with self._lock:
                now = time.monotonic()
                due = [work for at, work in self._due if at <= now]
                self._due = [(at, work) for at, work in self._due if at > now]
                for work in due:
                    work()


def replace_running(reported: Reported, push: ConfigId) -> Reported:
    """Return a report in which a push runs for good."""
    return msgspec.structs.replace(reported, running=push, last_known_good=push)


@dataclass(frozen=True)
class Operator:
    """Somebody at a terminal, with a key and a fleet.toml in ``folder``."""

    folder: Path
    port: int
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        pem = KEY.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key = self.folder / "ops-1.key"
        key.write_bytes(pem)
        key.chmod(0o600)
        self.toml.write_text(
            f'url = "mqtt://127.0.0.1:{self.port}"\ntenant = "{TENANT}"\nkey_file = "ops-1.key"\nkey_id = "ops-1"\n'
        )

    @property
    def toml(self) -> Path:
        return self.folder / "fleet.toml"

    def command(self, *arguments: str | Path) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "edge_agent.fleet", f"--config={self.toml}", *map(str, arguments)]

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start a command that goes on beside the test."""
        process = subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """End what was started and still runs."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def run(self, *arguments: str | Path) -> Result:
        """Run a command to its end, in this process: starting Python would be most of it."""
        return run_here(*self.command(*arguments)[3:])


def run_here(*arguments: str | Path) -> Result:
    """Run edge-fleet to its end in this process."""
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    argv = ["edge-fleet", *map(str, arguments)]
    with redirect_stdout(out), redirect_stderr(err), mock.patch.object(sys, "argv", argv):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    return Result(code or 0, out.getvalue(), err.getvalue())


def trust_toml() -> str:
    """Return the rows of agent.toml that make a real box believe the operator."""
    key = base64.b64encode(TRUSTED.public).decode()
    return f'\n[[trust.keys]]\nid = "ops-1"\nkey = "{key}"\nroles = ["config", "command"]\n'
