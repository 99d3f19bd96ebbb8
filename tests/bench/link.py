"""The uplink alone: small frames to a Mosquitto, against a bare socket that does the same."""

import asyncio
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from edge_agent.simulator.broker import Broker, BrokerOptions
from edge_agent.uplink import UplinkSettings
from edge_agent.uplink.link import Link, open_link
from edge_agent.uplink.wire import pack_properties, variable_length

MESSAGES = 20_000
WINDOW = 100
BODY = b"x" * 300
TOPIC = "o2o/1/acme/s1/pc-1/up/orders"
PROPERTIES = [("epoch", "8d7e6f50-1a2b-4c3d-8e9f-a0b1c2d3e4f5"), ("first", "137"), ("count", "1"), ("encoding", "zstd")]
CONTENT_TYPE = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class Rate:
    """Publishes a second until their PUBACK, process CPU seconds each, and what a bare socket reaches."""

    messages_per_s: float
    cpu_s: float
    raw_per_s: float


async def publishing(folder: Path) -> Rate:
    """Publish QoS 1 messages with a frame's headers, a window of them outstanding."""
    with Broker(folder / "broker", BrokerOptions(max_inflight_messages=WINDOW)) as broker:
        raw = await asyncio.to_thread(_raw_per_s, broker.port)
        link = await open_link(UplinkSettings("127.0.0.1", broker.port, "bench"))
        begin, cpu = time.perf_counter(), time.process_time()
        await _publish(link, MESSAGES)
        rate = Rate(MESSAGES / (time.perf_counter() - begin), (time.process_time() - cpu) / MESSAGES, raw)
        await link.disconnect(2.0)
    return rate


async def _publish(link: Link, count: int) -> None:
    left = count
    finished = asyncio.Event()

    def answered(_code: int) -> None:
        nonlocal left
        left -= 1
        if left >= link.window:
            send()
        elif not left:
            finished.set()

    def send() -> None:
        link.send(TOPIC, BODY, answered, properties=PROPERTIES, content_type=CONTENT_TYPE)

    for _ in range(link.window):
        send()
    await finished.wait()


def _raw_per_s(port: int) -> float:
    """A window of publishes, then their PUBACKs, over and over, on a blocking socket with ready-made packets."""
    topic = TOPIC.encode()
    tail = pack_properties(PROPERTIES, CONTENT_TYPE) + BODY
    packets = []
    for number in range(1, WINDOW + 1):
        packet = len(topic).to_bytes(2, "big") + topic + number.to_bytes(2, "big") + tail
        packets.append(b"\x32" + variable_length(len(packet)) + packet)
    burst = b"".join(packets)
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.sendall(bytes.fromhex("10100004") + b"MQTT" + bytes.fromhex("0502000000") + b"\x00\x03raw")
        link.recv(256)
        link.sendall(packets[0])
        puback = len(link.recv(16))  # all are alike
        begin = time.perf_counter()
        for _ in range(MESSAGES // WINDOW):
            link.sendall(burst)
            missing = WINDOW * puback
            while missing > 0:
                missing -= len(link.recv(missing))
        return MESSAGES / (time.perf_counter() - begin)
