"""What was recorded is read back, delivered or not, and reading never writes nor holds up the tills."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.contract.events import CloudEvent, Stream
from edge_agent.storage import Storage
from edge_agent.storage.history import Bite
from tests.support.forgetting import visit
from tests.support.storage import SetClock, of, order, running, small

NEWEST, OLDEST = "newest_first", "oldest_first"


async def read(bites: AsyncIterator[Bite], enough: int = 1_000_000) -> list[CloudEvent]:
    found: list[CloudEvent] = []
    async for bite in bites:
        assert bite.events, "an empty bite says nothing"
        found += bite.events
        if len(found) >= enough:
            break
    return found


async def numbers(bites: AsyncIterator[Bite]) -> list[int]:
    return [int(event.sequence) for event in await read(bites)]


async def damage(storage: Storage, sql: str) -> None:
    count = await storage._thread.run(lambda connection: connection.execute(sql).rowcount)
    assert count > 0


async def changes(storage: Storage) -> int:
    """Return how many rows were ever changed through the connection."""
    return await storage._thread.run(lambda connection: connection.total_changes)


async def test_both_ways_delivered_or_not_and_of_one_stream_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for number in range(1, 41):
            await storage.commit(of(order(number), small(Stream.OPS, number), small(Stream.OPS, number)))
        await storage.about_to_send()
        storage.acknowledge(Stream.ORDERS, 25)
        before = await changes(storage)
        assert await numbers(storage.history.newest_first(Stream.ORDERS)) == list(range(40, 0, -1))
        assert await numbers(storage.history.oldest_first(Stream.ORDERS)) == list(range(1, 41))
        assert await numbers(storage.history.newest_first(Stream.OPS)) == list(range(80, 0, -1))
        assert await numbers(storage.history.newest_first(Stream.PRESENCE)) == []
        assert await numbers(storage.history.newest_first(Stream.ORDERS, before=31)) == list(range(30, 0, -1))
        assert await changes(storage) == before


async def test_what_is_read_is_what_was_recorded_also_after_a_restart(tmp_path: Path) -> None:
    drafts = [order(number) for number in range(3)]
    async with running(tmp_path) as storage:
        await storage.commit(of(*drafts))
    async with running(tmp_path) as storage:
        found = await read(storage.history.oldest_first(Stream.ORDERS))
    assert [event.id for event in found] == [draft.id for draft in drafts]
    assert [event.subject for event in found] == [draft.subject for draft in drafts]


async def test_a_burst_is_many_events_a_row_and_comes_in_bites(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(*(order(number, lines=60) for number in range(1, 801))))
        sizes = [len(bite.events) async for bite in storage.history.newest_first(Stream.ORDERS)]
        assert sum(sizes) == 800
        assert max(sizes) <= 200, "a bite is a row, where a row is large"
        assert await numbers(storage.history.newest_first(Stream.ORDERS)) == list(range(800, 0, -1))


async def test_who_has_enough_leaves(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for number in range(1, 101):
            await storage.commit(of(order(number)))
        found = await read(storage.history.newest_first(Stream.ORDERS), enough=5)
        assert int(found[0].sequence) == 100
        assert len(found) < 40


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE frame SET body = zeroblob(length(body)) WHERE id & 0xFFFF IN (4, 7, 10)",
        "UPDATE frame SET last = 900 WHERE id & 0xFFFF IN (4, 7, 10)",
        "UPDATE frame SET recorded_ms = -1 WHERE id & 0xFFFF IN (4, 7, 10)",
        "DELETE FROM frame WHERE id & 0xFFFF IN (4, 7, 10)",
    ],
)
async def test_damaged_rows_are_passed_over_and_left_alone(tmp_path: Path, sql: str) -> None:
    async with running(tmp_path) as storage:
        for number in range(1, 11):
            await storage.commit(of(order(number)))
        await damage(storage, sql)
        before = await changes(storage)
        good = [1, 2, 3, 5, 6, 8, 9]
        assert await numbers(storage.history.oldest_first(Stream.ORDERS)) == good
        assert await numbers(storage.history.newest_first(Stream.ORDERS)) == good[::-1]
        assert (await changes(storage), storage.damaged_frames) == (before, 0)


async def test_gaps_stand_where_events_were_forgotten(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for who in ("anna", "others", "anna", "anna", "others"):
            await storage.commit(of(visit(Stream.CHECKINS, who)))
        told: list[int] = []
        storage.on_forgotten.append(lambda: told.append(1))
        await storage.forget(lambda body: b"anna" in body)
        found = await read(storage.history.newest_first(Stream.CHECKINS))
        assert [(event.type.split(".")[1], int(event.sequence)) for event in found] == [
            ("code", 5), ("agent", 4), ("code", 2), ("agent", 1)
        ]  # fmt: skip
        assert not [event for event in found if b"anna" in bytes(event.data)]
        assert told == [1]


async def test_after_a_rewind_the_same_is_there(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for number in range(1, 6):
            await storage.commit(of(order(number)))
        await storage.about_to_send()
        storage.acknowledge(Stream.ORDERS, 5)
        ids = [event.id for event in await read(storage.history.newest_first(Stream.ORDERS))]
        await storage.rewind(Stream.ORDERS, 1)
        assert [event.id for event in await read(storage.history.newest_first(Stream.ORDERS))] == ids


@pytest.mark.parametrize("way", [NEWEST, OLDEST])
async def test_a_new_epoch_meanwhile_is_read_from_its_beginning(tmp_path: Path, way: str) -> None:
    async with running(tmp_path) as storage:
        for number in range(1, 61):
            await storage.commit(of(order(number)))
        await storage.about_to_send()
        storage.acknowledge(Stream.ORDERS, 30)
        bites: AsyncIterator[Bite] = getattr(storage.history, way)(Stream.ORDERS)
        first = await anext(bites)
        await storage.begin_epoch("rolled_back")
        rest = [bite async for bite in bites]
        assert {bite.epoch for bite in rest} == {storage.epoch} != {first.epoch}
        after = [int(event.sequence) for bite in rest for event in bite.events]
        assert after == (list(range(1, 31)) if way == OLDEST else list(range(30, 0, -1)))


async def test_since_when_something_was_recorded(tmp_path: Path) -> None:
    clock = SetClock(1_795_000_000_000)
    async with running(tmp_path, clock=clock) as storage:
        began = clock.wall_ms
        assert began is not None
        assert await numbers(storage.history.oldest_first(Stream.ORDERS, since_ms=began)) == []
        for number in range(1, 51):
            clock.wall_ms = began + number * 1_000
            await storage.commit(of(order(number), order(number + 100)))
        for seconds, first in ((0, 1), (1, 1), (2, 3), (25, 49), (50, 99)):
            since = storage.history.oldest_first(Stream.ORDERS, since_ms=began + seconds * 1_000)
            assert (await numbers(since))[:1] == [first]
        assert await numbers(storage.history.oldest_first(Stream.ORDERS, since_ms=began + 51_000)) == []


async def test_an_order_recorded_meanwhile_waits_for_a_bite_not_for_the_whole(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for start in range(0, 4_000, 40):  # in groups of one commit each, as a busy day: a row an order
            async with asyncio.TaskGroup() as group:
                for number in range(start, start + 40):
                    group.create_task(storage.commit(of(order(number))))
        bites, at_commit = 0, 0
        async with asyncio.TaskGroup() as group:
            committed = group.create_task(storage.commit(of(small(Stream.OPS, 1))))
            async for _ in storage.history.newest_first(Stream.ORDERS):
                bites += 1
                at_commit += not committed.done()
        assert bites > 20
        assert at_commit <= 3
