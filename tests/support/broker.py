"""A subscriber that sees what the broker hands out, and test certificates."""

import asyncio
import contextlib
import shutil
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.simulator.broker import find_mosquitto

WAIT_SECONDS = 20.0  # a condition that has not come by then will not come


@dataclass(frozen=True)
class Seen:
    topic: str
    payload: bytes
    retained: bool
    user: dict[str, str]
    content_type: str | None


class Listener:
    """Subscribes and publishes beside the agent, on a thread of its own."""

    def __init__(self, port: int, *filters: str) -> None:
        self.seen: list[Seen] = []
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: self._on_connect(client, filters)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._ready.wait(WAIT_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, retain: bool = True) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not self._client.is_connected() and time.monotonic() < deadline:  # a broker has just been restarted
            time.sleep(0.01)
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(WAIT_SECONDS)

    def topics(self) -> list[str]:
        return [seen.topic for seen in self.seen]

    def _on_connect(self, client: mqtt.Client, filters: tuple[str, ...]) -> None:
        if filters:
            client.subscribe([(f, SubscribeOptions(qos=1)) for f in filters])
        else:
            self._ready.set()

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        user = dict(getattr(message.properties, "UserProperty", []))
        content_type = getattr(message.properties, "ContentType", None)
        self.seen.append(Seen(message.topic, bytes(message.payload), message.retain, user, content_type))


async def until(condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Wait for a condition; fail when it does not come."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(work: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Run a coroutine beside the test and cancel it at the end; its failure fails the test."""
    async with asyncio.TaskGroup() as scope:
        task = scope.create_task(work)
        yield task
        task.cancel()


@contextlib.contextmanager
def subscriber(port: int, *filters: str) -> Iterator[Listener]:
    with Listener(port, *filters) as listener:
        yield listener


def needs_mosquitto() -> None:
    try:
        find_mosquitto()
    except FileNotFoundError as error:
        pytest.skip(str(error))


@dataclass(frozen=True)
class Authority:
    """A certificate authority for one test, by the openssl command."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str, *, host: str = "localhost", between: tuple[str, str] | None = None) -> tuple[Path, Path]:
        """Return certificate and key. ``between``: when it is valid, as 20260131235959Z; two days from now, if None."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extension = self.folder / f"{name}.ext"
        extension.write_text(f"subjectAltName=DNS:{host}\n")
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key", "-CAcreateserial"),
            *("-days", "2", "-extfile", extension, "-out", certificate),
        )
        if between is not None:
            self._date(certificate, between)
        return certificate, key

    def _date(self, certificate: Path, between: tuple[str, str]) -> None:
        """Sign a certificate again with dates of one's own, which Debian 12's ``openssl x509`` cannot."""
        authority = x509.load_pem_x509_certificate(self.ca.read_bytes())
        key = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        old = x509.load_pem_x509_certificate(certificate.read_bytes())
        begin, end = (datetime.strptime(day, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC) for day in between)
        builder = x509.CertificateBuilder(
            authority.subject, old.subject, old.public_key(), old.serial_number, begin, end
        )
        for extension in old.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def authority(folder: Path) -> Authority:
    """Make a certificate authority in ``folder``; skips where openssl is missing."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder.mkdir(parents=True)
    subject = ("-subj", f"/CN={folder.name}")
    _openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject),
        *("-keyout", folder / "ca.key", "-out", folder / "ca.pem"),
    )
    return Authority(folder)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
