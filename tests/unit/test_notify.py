"""What the service manager hears, on a real socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = str(tmp_path / "notify") if request.param == "path" else f"\0edge-agent-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name)
        listening.settimeout(5)
        yield listening, name.replace("\0", "@")


def test_each_word_is_one_datagram(manager: tuple[socket.socket, str]) -> None:
    listening, address = manager
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid()), "X": "1"}
    notifier = Notifier.of(environment)
    assert environment == {"X": "1"}, "children are not asked"
    assert (notifier.is_supervised, notifier.watchdog_s) == (True, 30.0)
    notifier.ready()
    notifier.alive()
    notifier.status("needs\nattention")
    notifier.extend(1.5)
    notifier.stopping()
    assert [listening.recv(100) for _ in range(5)] == [
        b"READY=1", b"WATCHDOG=1", b"STATUS=needs attention", b"EXTEND_TIMEOUT_USEC=1500000", b"STOPPING=1"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "environment",
    [
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "30000000"},
        {},
    ],
)
def test_a_watchdog_that_is_not_ours_is_not_fed(environment: dict[str, str]) -> None:
    assert Notifier.of(environment).watchdog_s is None


def test_a_manager_that_has_gone_or_does_not_read_costs_nothing(manager: tuple[socket.socket, str]) -> None:
    listening, address = manager
    notifier = Notifier(address)
    for _ in range(1000):  # more than the socket holds
        notifier.alive()
    assert listening.recv(100) == b"WATCHDOG=1"
    listening.close()
    notifier.alive()
