"""Head office's desk for commands: signs them, sends them, collects what is answered."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import msgspec

from edge_agent.clock import Clock
from edge_agent.contract.envelope import seal
from edge_agent.contract.remote import FINAL, UNVERIFIED
from edge_agent.contract.topics import Topics
from tests.support.broker import Listener
from tests.support.pushing import COMMANDER, TOPICS, Signer

PATIENCE_S = 60.0

_numbers = itertools.count(1)


def command_payload(
    name: str,
    arguments: dict[str, Any] | None = None,
    *,
    id_: str = "c-1",
    topics: Topics = TOPICS,
    expires_in_s: float = 3600,
    boot_id: str | None = None,
    **other: Any,
) -> bytes:
    """Return the payload of a command. ``boot_id``: of this machine if left out. ``other``: fields that differ."""
    clock = Clock()
    now = datetime.fromtimestamp(clock.now().wall_ms / 1000, UTC)
    payload = {
        "type": "command",
        "target": {"tenant": topics.tenant, "store": topics.store, "agent": topics.agent},
        "id": id_,
        "name": name,
        "arguments": arguments or {},
        "expires": (now + timedelta(seconds=expires_in_s)).isoformat(),
        "boot_id": boot_id or clock.boot_id,
    }
    return msgspec.json.encode(payload | other)


def sealed_command(
    name: str, arguments: dict[str, Any] | None = None, *, by: Signer = COMMANDER, **fields: Any
) -> bytes:
    """Return a command in its envelope. ``fields``: see ``command_payload``."""
    return seal(command_payload(name, arguments, **fields), by.private, by.id)


class Desk:
    """A connection of its own to the store's broker, on a thread: it survives the broker's restarts."""

    def __init__(self, port: int, topics: Topics = TOPICS) -> None:
        self.topics = topics
        self._listener = Listener(port, topics.reply("+"))

    def __enter__(self) -> Self:
        self._listener.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.__exit__()

    def send(self, envelope: bytes) -> None:
        """Publish bytes where the box looks for commands."""
        self._listener.publish(self.topics.command, envelope, retain=False)

    def ask(self, name: str, arguments: dict[str, Any] | None = None, **fields: Any) -> str:
        """Send a command; returns its id, a new one unless it is named."""
        id_ = fields.pop("id_", f"c-{next(_numbers)}")
        self.send(sealed_command(name, arguments, id_=id_, topics=self.topics, **fields))
        return str(id_)

    async def until_there(self) -> str:
        """Ask until the box answers: it has connected, and listens; returns the id."""
        id_ = f"there-{next(_numbers)}"
        async with asyncio.timeout(PATIENCE_S):
            while not self.finals(id_):
                self.ask("ping", id_=id_)
                await asyncio.sleep(0.2)
        return id_

    async def result(self, name: str, arguments: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Send a command; returns its final answer."""
        return await self.final(self.ask(name, arguments, **fields))

    def replies(self, id_: str) -> list[dict[str, Any]]:
        """Return all that was answered to an id, in order."""
        topic = self.topics.reply(id_)
        return [msgspec.json.decode(seen.payload) for seen in list(self._listener.seen) if seen.topic == topic]

    def finals(self, id_: str) -> list[dict[str, Any]]:
        """Return the final answers to an id, repeats included."""
        return [reply for reply in self.replies(id_) if reply["status"] in FINAL]

    async def final(self, id_: str, count: int = 1) -> dict[str, Any]:
        """Wait for the final answer (until it was sent ``count`` times); returns it."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while len(self.finals(id_)) < count:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{id_} was not answered within {PATIENCE_S} s: {self.replies(id_)[-5:]}") from None
        return self.finals(id_)[-1]

    async def said(self, id_: str, status: str, count: int = 1) -> dict[str, Any]:
        """Wait for an answer of some status; returns the last."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := [reply for reply in self.replies(id_) if reply["status"] == status]) < count:
                await asyncio.sleep(0.01)
        return found[-1]

    async def turned_away(self, count: int = 1) -> list[dict[str, Any]]:
        """Wait for so many answers to what is not signed; returns them all."""
        await self.final(UNVERIFIED, count)
        return self.finals(UNVERIFIED)
