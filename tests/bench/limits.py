"""What this machine can do without the agent: every figure of the bench is a ratio to one of these, of the same run."""

import os
import socket
import sqlite3
import statistics
import time
from pathlib import Path


def fdatasync_s(folder: Path, rounds: int = 200) -> float:
    """Return the median seconds of appending 4 KB to a file and fdatasync."""
    path = folder / "fdatasync"
    page = os.urandom(4096)
    samples = []
    with path.open("wb", buffering=0) as file:
        for _ in range(rounds):
            begin = time.perf_counter()
            file.write(page)
            os.fdatasync(file.fileno())
            samples.append(time.perf_counter() - begin)
    path.unlink()
    return statistics.median(samples)


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


def mqtt_round_trip_s(port: int, rounds: int = 300) -> float:
    """Return the median seconds from a QoS 1 PUBLISH to its PUBACK over a bare socket, Mosquitto on the other side."""
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.sendall(bytes.fromhex("10110004") + b"MQTT" + bytes.fromhex("05020000") + b"\x00" + b"\x00\x04raw1")
        link.recv(64)
        samples = []
        for number in range(1, rounds + 1):
            packet = b"\x00\x03raw" + number.to_bytes(2, "big") + b"\x00" + b"x" * 300
            begin = time.perf_counter()
            link.sendall(b"\x32" + _length(len(packet)) + packet)
            link.recv(64)
            samples.append(time.perf_counter() - begin)
    return statistics.median(samples)


def _length(size: int) -> bytes:
    """MQTT's variable byte integer (MQTT 5, section 1.5.5), of two bytes at most."""
    return bytes([size]) if size < 128 else bytes([size % 128 | 128, size // 128])
