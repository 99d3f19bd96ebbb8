"""A network of the test's own: what it drops, and what comes back to it, touches no other test."""

import asyncio
import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.broker import running

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_libc = ctypes.CDLL(None, use_errno=True)


class Network:
    """Loopback alone, in a namespace of this thread and of every process that it starts."""

    def hole(self, port: int) -> None:
        """Let nothing from or to a TCP port pass, and say nothing about it: a router that has lost its way."""
        self._drop(port, "")

    def loss(self, port: int, one_in: int) -> None:
        """Drop one packet in so many, at random, in both directions."""
        self._drop(port, f"numgen random mod {one_in} == 0")

    def clear(self) -> None:
        """Let everything pass again; nobody is told."""
        _nft("flush chain ip fault out")

    def returns(self) -> None:
        """Give the machine an address, as a cable does that is plugged in again: the kernel tells who listens."""
        for change in ("add", "delete"):
            subprocess.run(["ip", "address", change, "127.77.66.55/32", "dev", "lo"], check=True)

    def _drop(self, port: int, which: str) -> None:
        _nft("".join(f"add rule ip fault out tcp {side} {port} {which} drop\n" for side in ("dport", "sport")))


@contextmanager
def own_network() -> Iterator[Network]:
    """Move this thread into a network of its own until the end; skips where that is not allowed."""
    if shutil.which("nft") is None or shutil.which("ip") is None:
        pytest.skip("nft or ip is not installed: sudo apt-get install nftables iproute2")
    with Path("/proc/thread-self/ns/net").open() as before, ExitStack() as stack:
        if _libc.unshare(_CLONE_NEWNET):
            pytest.skip(f"a network of its own is not allowed here: {os.strerror(ctypes.get_errno())}")
        stack.callback(_libc.setns, before.fileno(), _CLONE_NEWNET)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        _nft("table ip fault {\n chain out {\n type filter hook output priority 0\n }\n}\n")
        yield Network()


def _nft(script: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=script.encode(), check=True)


async def hurried(network: Network, wait: Coroutine[None, None, None]) -> None:
    """Wait while the network comes back again and again: the pauses between two attempts stay short."""

    async def hurry() -> None:
        while True:
            network.returns()
            await asyncio.sleep(0.5)

    async with running(hurry()):
        await wait


@contextmanager
def black_hole(host: str, port: int) -> Iterator[None]:
    """Listen where no connection is ever made: the kernel drops each SYN while the queue of those accepted is full."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket(family))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(0)
        for _ in range(2):
            filling = stack.enter_context(socket.socket(family))
            filling.setblocking(False)
            filling.connect_ex((host, port))
        yield


def names(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Return a hosts file, and the wrapper of a process that looks up names in it, anew each time."""
    hosts = folder / "hosts"
    hosts.touch()
    return hosts, ("unshare", "-m", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh")
