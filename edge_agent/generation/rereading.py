"""Captures read again, in the background, once the templates have changed that they were read with."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import structlog

from edge_agent import decoders
from edge_agent.clock import Clock
from edge_agent.config.devices import LineSettings
from edge_agent.log import places
from edge_agent.observations import Receipt, Record
from edge_agent.shop.outcome import Outcome, StateChange, combined
from edge_agent.shop.rereading import DONE, PART, About, Again, moved, parsed, without_member
from edge_agent.shop.shop import Shop
from edge_agent.storage import Storage

log = structlog.get_logger()

# One slip takes a few milliseconds of the loop, as a live one does; then the tills have it for four times as long.
SHARE = 5
# Rows that say of a slip what was sent since go to its file this often; an order's takes 3 KB of memory until then.
SETTLE_S = 60.0
PAUSE_S = 0.005  # at least: what is skipped takes nothing of the loop, but the storage's thread has orders to write

_UNREAD = ("unreadable", "defect")


class Rereading:
    """Goes through the captures, oldest first, one slip at a time."""

    def __init__(
        self,
        lines: Mapping[str, LineSettings],
        shop: Shop,
        storage: Storage,
        clock: Clock,
        commit: Callable[[Outcome], Awaitable[None]],
    ) -> None:
        """``lines``: the devices whose captures are read, by id. ``commit`` makes an outcome durable."""
        self._lines = lines
        self._shop = shop
        self._storage = storage
        self._clock = clock
        self._commit = commit
        self._one_by_one = asyncio.Lock()

    async def run(self, read_by: Mapping[str, str]) -> None:
        """Read every capture that was read with something else, then keep the files as the rows say, for ever.

        Raises StorageError.

        ``read_by``: what each device's bytes are read with now. Cut short, it begins again and sends nothing twice.
        """
        done = self._storage.state(DONE)
        due = {device: now for device, now in read_by.items() if done.get(device) != now.encode()}
        if due:
            undone = tuple(StateChange(DONE, device, None) for device in due if device in done)
            await self._commit(Outcome(state=undone))
            verdicts = await self._read_all(due)
            marks = tuple(StateChange(DONE, device, now.encode()) for device, now in due.items())
            await self._commit(Outcome(state=marks))
            if verdicts:
                log.info("captures_read_again", **verdicts)
        while True:
            await self._settle_rows()
            await asyncio.sleep(SETTLE_S)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Keep it from its next capture: what it holds of the last one may be about somebody who is forgotten."""
        async with self._one_by_one:
            yield

    def forget(self, member: str) -> Outcome:
        """Return the rows on their way to a capture's file, without a member."""
        rows = self._storage.state(PART).items()
        return Outcome(state=tuple(StateChange(PART, id_, without_member(row, member)) for id_, row in rows))

    async def _read_all(self, due: Mapping[str, str]) -> Counter[str]:
        verdicts: Counter[str] = Counter()
        for sha256 in await self._storage.captures():
            took = 0.0
            async with self._one_by_one:
                held = await self._storage.held_capture(sha256)
                if held is None:
                    verdicts["damaged"] += 1
                    continue
                slips = self._known(held.about)
                verdicts["unknown"] += not slips
                if any(about.read_by != due.get(about.device, about.read_by) for about in slips):
                    took = await self._read(sha256, held.body, slips, due, verdicts)
                else:
                    await self._settle(sha256, slips)
            await asyncio.sleep(max(PAUSE_S, (SHARE - 1) * took))
        return +verdicts

    def _known(self, abouts: tuple[bytes, ...]) -> list[About]:
        """Return what is known of a capture's slips: a row is newer than the file."""
        rows = self._storage.state(PART)
        known = [about for about in map(parsed, abouts) if about is not None]
        return [parsed(rows.get(about.id, b"")) or about for about in known]

    async def _read(
        self, sha256: str, body: bytes, slips: list[About], due: Mapping[str, str], verdicts: Counter[str]
    ) -> float:
        """Read a capture as each of its slips; return the seconds it kept the loop."""
        loop, took = asyncio.get_running_loop(), 0.0
        again: Again | None = None
        for about in slips:
            if about.read_by == due.get(about.device, about.read_by):
                continue
            began = loop.time()
            again = self._read_again(about, body, first=not verdicts["defect"])
            took += loop.time() - began
            verdicts[again.verdict] += 1
            if again.verdict not in _UNREAD:
                elsewhere = moved(about, again, sha256, self._clock.now())
                await self._commit(combined((again.outcome, Outcome(state=elsewhere))))
        if again is not None and again.verdict not in _UNREAD:
            if again.capture is None:  # by now a secret is seen in it that cannot be taken out
                await self._storage.drop_capture(sha256)
            elif again.capture.sha256 != sha256:
                await self._settle(sha256, slips, again.capture.body)
                return took
        await self._settle(sha256, slips)
        return took

    def _read_again(self, about: About, body: bytes, *, first: bool) -> Again:
        """Read one slip. A defect in the rules is logged the ``first`` time: many slips may meet the same."""
        try:
            observation = self._decoded(about.device, body)
            return self._shop.read_again(about, observation, self._clock.now()) if observation else Again("unreadable")
        except Exception as error:  # noqa: BLE001 - a defect that one slip meets must not keep the others from it
            failed = {"error": type(error).__name__, "traceback": places(error)}  # no message: it may quote the slip
            if first:
                log.error("rules_failed", device=about.device, **failed)  # noqa: TRY400
            return Again("defect")

    def _decoded(self, device: str, body: bytes) -> Receipt | Record | None:
        line = self._lines[device]
        decoder = decoders.create(line.decoder, line)
        said = [slip for slip in (*decoder.feed(body), *decoder.idle()) if isinstance(slip, Receipt | Record)]
        return said[0] if len(said) == 1 else None

    async def _settle_rows(self) -> None:
        """Bring every row to its file; one whose capture has gone just goes."""
        for id_, row in self._storage.state(PART).items():
            async with self._one_by_one:
                about = parsed(row)
                if about is not None and (sha256 := _file(about)) is not None:
                    await self._settle(sha256, [about])
                else:
                    await self._commit(Outcome(state=(StateChange(PART, id_, None),)))

    async def _settle(self, sha256: str, slips: list[About], body: bytes | None = None) -> None:
        """Have a capture's file say what rows say of its slips; only then they go."""
        ids = {about.id for about in slips}
        rows = {id_: row for id_, row in self._storage.state(PART).items() if id_ in ids}
        if not rows and body is None:
            return

        def change(about: bytes) -> bytes:
            known = parsed(about)
            return about if known is None else rows.get(known.id, about)

        await self._storage.rewrite_capture(sha256, change, body)
        await self._commit(Outcome(state=tuple(StateChange(PART, id_, None) for id_ in rows)))


def _file(about: About) -> str | None:
    """Return which capture a slip's is, as far as that can be told without it."""
    return about.sent.evidence.capture_sha256 if about.sent is not None else None
