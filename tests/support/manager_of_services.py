"""What systemd is to the agent: a socket it tells how it is, and somebody who starts it again."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class ServiceManager:
    """``said``: every line the agent has told, in order."""

    def __init__(self, listening: socket.socket, path: Path) -> None:
        self._listening = listening
        self._path = path
        self.said: list[str] = []
        self._heard = 0

    def environment(self, watchdog_s: float = 3.0) -> dict[str, str]:
        """Return what a unit of Type=notify is started with."""
        return {"NOTIFY_SOCKET": str(self._path), "WATCHDOG_USEC": str(round(watchdog_s * 1e6))}

    def hear(self) -> list[str]:
        """Return what was said since the last time."""
        self.take()
        new, self._heard = self.said[self._heard :], len(self.said)
        return new

    def take(self) -> None:
        """Take what has come: the socket holds ten words, and an agent never waits for room."""
        with suppress(BlockingIOError):
            while True:
                self.said.append(self._listening.recv(65536).decode())

    async def until(self, line: str, within_s: float = 60.0) -> None:
        """Wait until it is told what begins like this."""
        async with asyncio.timeout(within_s):
            while not any(said.startswith(line) for said in self.hear()):
                await asyncio.sleep(0.02)


@contextmanager
def service_manager(folder: Path) -> Iterator[ServiceManager]:
    """Listen where an agent is told to tell how it is."""
    path = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.setblocking(False)
        manager = ServiceManager(listening, path)
        asyncio.get_running_loop().add_reader(listening, manager.take)
        try:
            yield manager
        finally:
            asyncio.get_running_loop().remove_reader(listening)
