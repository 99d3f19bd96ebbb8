"""What waits for the disk."""

import asyncio

from edge_agent.generation.backlog import Backlog


async def test_what_is_being_recorded_is_still_there_when_that_is_cut_short() -> None:
    backlog: Backlog[str] = Backlog(10)
    for thing in ("one", "two"):
        backlog.put(thing)
    assert await backlog.first() == "one"
    assert backlog.left() == ["one", "two"]
    assert backlog.left() == []


async def test_things_come_in_order_and_all_recorded_waits_for_the_last() -> None:
    backlog: Backlog[str] = Backlog(10)
    found = []

    async def record() -> None:
        while True:
            thing = await backlog.first()
            await asyncio.sleep(0)
            found.append(thing)
            backlog.recorded(thing)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        recording = group.create_task(record())
        await backlog.all_recorded()
        for thing in ("one", "two", "three"):
            backlog.put(thing)
        await backlog.all_recorded()
        assert found == ["one", "two", "three"]
        recording.cancel()


async def test_of_too_many_the_oldest_goes_also_while_it_is_being_recorded() -> None:
    backlog: Backlog[str] = Backlog(2)
    backlog.put("one")
    first = await backlog.first()
    backlog.put("two")
    backlog.put("three")
    backlog.recorded(first)
    assert backlog.left() == ["two", "three"]
