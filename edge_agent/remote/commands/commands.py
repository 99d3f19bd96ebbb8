"""The way of a command: verified, not expired, not seen before; run; answered."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from edge_agent.contract.envelope import Key
from edge_agent.contract.topics import Topics
from edge_agent.remote.commands.box import Box
from edge_agent.uplink import Link


class Commands:
    """The commands of this agent. What is asked and what was answered are durable facts."""

    def __init__(self, box: Box, keys: Sequence[Key], topics: Topics, folder: Path) -> None:
        """``folder``: where what goes up in chunks lies until it has gone."""
        self._box = box

    def arrived(self, payload: bytes) -> None:
        """Take a message of ``down/command``; it is worked on by ``run``."""

    async def run(self) -> None:
        """Work on commands, and on those that the last process left unfinished. Raises StorageError."""
        await asyncio.Event().wait()

    async def publish(self, link: Link) -> None:
        """Send answers, then chunks where nothing else waits for the link; each until it has arrived."""
        await asyncio.Event().wait()
