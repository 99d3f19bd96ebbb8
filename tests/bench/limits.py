"""What this machine can do without the agent: every figure of the bench is a ratio to one of these, of the same run."""

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge_agent.uplink.wire import variable_length

# A frame of one order and the words that acknowledge it, as they are on the wire.
FRAME_BYTES = 600
ACK_BYTES = 120

ANSWER_S = 10.0  # a broker that says nothing for so long has died: no bench hangs


@contextmanager
def disk(folder: Path) -> Iterator[Callable[[], float]]:
    """Give a function that appends 4 KB to a file, calls fdatasync, and returns the seconds both took.

    Take its samples as the figure beside it takes its own. In a tight loop neither the disk nor the processor ever
    rests, and a flush costs a third of what it costs a machine that has been idle for 50 ms (measured: 0.14 and
    0.47 ms on the same virtual disk).
    """
    path = folder / "fdatasync"
    page = os.urandom(4096)
    with path.open("wb", buffering=0) as file:

        def sample() -> float:
            begin = time.perf_counter()
            file.write(page)
            os.fdatasync(file.fileno())
            return time.perf_counter() - begin

        yield sample
    path.unlink()


@contextmanager
def round_trip(port: int) -> Iterator[Callable[[], float]]:
    """Give a function that returns the seconds of a raw MQTT round trip: from a PUBLISH until its answer is delivered.

    That is what an order's way consists of: the agent's connection publishes, the broker delivers to another
    connection, which publishes its answer, which the broker delivers to the first: agent, central, agent. A PUBACK
    would be the broker's alone and half of that way. Bare blocking sockets with ready-made packets, QoS 1 like the
    frames, the answering side in a thread that does nothing else. As for ``disk``: sample it at the figure's own pace.
    """
    with ExitStack() as stack:
        agent = stack.enter_context(_connected(port, b"raw-agent", b"raw/down"))
        central = stack.enter_context(_connected(port, b"raw-central", b"raw/up"))
        central.socket.settimeout(None)  # it waits for as long as the samples are taken
        thread = threading.Thread(target=_answer, args=(central,), daemon=True)
        thread.start()
        frame = _publish(b"raw/up", FRAME_BYTES)

        def sample() -> float:
            begin = time.perf_counter()
            agent.socket.sendall(frame)
            agent.take()
            return time.perf_counter() - begin

        try:
            yield sample
        finally:  # before its stream is closed: that would wait for the thread that reads it
            central.socket.shutdown(socket.SHUT_RDWR)
            thread.join(ANSWER_S)


def rows_per_s(folder: Path, body: bytes, group: int, rows: int = 20_000) -> float:
    """Return how many ready-made rows a second sqlite3 takes, one INSERT a row, one durable COMMIT a group."""
    connection = sqlite3.connect(folder / "rows.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE row(sequence INTEGER PRIMARY KEY, body BLOB)")
    begin = time.perf_counter()
    for first in range(0, rows, group):
        connection.execute("BEGIN")
        for sequence in range(first, first + group):
            connection.execute("INSERT INTO row VALUES (?, ?)", (sequence, body))
        connection.execute("COMMIT")
    elapsed = time.perf_counter() - begin
    connection.close()
    return rows / elapsed


# --- MQTT 5 by hand: the packets of the standard's section 3 that a round trip needs ---

_CONNECT, _PUBLISH_QOS_1, _PUBACK, _SUBSCRIBE = 0x10, 0x32, 0x40, 0x82


@dataclass(frozen=True, slots=True)
class _Connection:
    socket: socket.socket
    stream: BinaryIO

    def read(self) -> tuple[int, bytes]:
        """Return the next packet's first byte and its body."""
        kind = self._exactly(1)[0]
        size = shift = 0
        while True:
            byte = self._exactly(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return kind, self._exactly(size)

    def take(self, answer: bytes = b"") -> None:
        """Wait for a PUBLISH, reading over what else comes, and send ``answer`` and its PUBACK."""
        kind, body = self.read()
        while kind & 0xF0 != _PUBLISH_QOS_1 & 0xF0:
            kind, body = self.read()
        topic = 2 + int.from_bytes(body[:2], "big")
        self.socket.sendall(answer + _packet(_PUBACK, body[topic : topic + 2]))

    def _exactly(self, size: int) -> bytes:
        data = self.stream.read(size)
        if len(data) < size:
            raise ConnectionError("the broker has closed the connection")
        return data


@contextmanager
def _connected(port: int, client_id: bytes, subscribe: bytes) -> Iterator[_Connection]:
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as link, link.makefile("rb") as stream:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(link, stream)
        link.sendall(_packet(_CONNECT, b"\x00\x04MQTT\x05\x02\x00\x00\x00" + _text(client_id)))
        connection.read()
        link.sendall(_packet(_SUBSCRIBE, b"\x00\x01\x00" + _text(subscribe) + b"\x01"))
        connection.read()
        yield connection


def _answer(central: _Connection) -> None:
    answer = _publish(b"raw/down", ACK_BYTES)
    with suppress(OSError):  # the other side has all its samples
        while True:
            central.take(answer)


def _publish(topic: bytes, size: int) -> bytes:
    return _packet(_PUBLISH_QOS_1, _text(topic) + b"\x00\x07\x00" + b"x" * size)


def _packet(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + variable_length(len(body)) + body


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text
