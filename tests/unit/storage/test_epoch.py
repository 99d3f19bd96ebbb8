"""Cloned and rolled-back disks: a new epoch, the same events, and an answer to what can have been sent."""

import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest

from edge_agent.contract import data
from edge_agent.contract.events import Stream
from edge_agent.contract.frames import decode_events
from edge_agent.shop.outcome import StateChange
from edge_agent.storage import Storage
from edge_agent.storage.connection import transaction
from tests.support.storage import frames, held, of, order, running, small, told


async def recovered(storage: Storage) -> list[data.Recovered]:
    return [
        msgspec.json.decode(event.data, type=data.Recovered) for event in await told(storage, "o2o.agent.recovered.v1")
    ]


async def test_a_cloned_disk_begins_a_new_epoch_with_the_same_events(tmp_path: Path) -> None:
    drafts = [order(n) for n in range(9)]
    async with running(tmp_path, machine_id="m1") as storage:
        for start in range(0, 9, 3):
            await storage.commit(of(*drafts[start : start + 3], state=[StateChange("line", "a", b"7")]))
        old = storage.epoch
        before = {event.id: bytes(event.data) for f in await frames(storage, Stream.ORDERS)
                  for event in decode_events(f.body, f.encoding)}  # fmt: skip
        await storage.about_to_send()
        storage.acknowledge(Stream.ORDERS, 4)
    async with running(tmp_path, machine_id="m1") as storage:
        assert storage.epoch == old
    async with running(tmp_path, machine_id=None) as storage:
        assert storage.epoch == old
    async with running(tmp_path, machine_id="m2") as storage:
        assert storage.epoch != old
        assert storage.watermark(Stream.ORDERS) == 0
        found = await held(storage, Stream.ORDERS)
        assert [item.id for item in found] == [draft.id for draft in drafts[4:]]
        assert [item.last for item in found] == [1, 2, 3, 4, 5]
        after = {event.id: bytes(event.data) for f in await frames(storage, Stream.ORDERS)
                 for event in decode_events(f.body, f.encoding)}  # fmt: skip
        assert after == {identity: before[identity] for identity in after}
        assert storage.state("line") == {"a": b"7"}
        assert [storage.possibly_sent(stream) for stream in Stream] == [0, 0, 0, 0]
        [said] = await recovered(storage)
        assert (said.reason, said.old_epoch, said.salvaged, said.lost) == ("cloned", old, 5, 0)
        new = storage.epoch
    async with running(tmp_path, machine_id="m2") as storage:
        assert storage.epoch == new
        assert [item.id for item in await held(storage, Stream.ORDERS)] == [draft.id for draft in drafts[4:]]


async def test_the_machine_is_learned_when_it_becomes_known(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        first = storage.epoch
    async with running(tmp_path, machine_id="m1") as storage:
        assert storage.epoch == first
    async with running(tmp_path, machine_id="m2") as storage:
        assert storage.epoch != first


async def test_a_gap_keeps_its_width_in_a_new_epoch(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for n in range(6):
            await storage.commit(of(small(Stream.PRESENCE, 2 * n), small(Stream.PRESENCE, 2 * n + 1)))
        await storage.about_to_send()
        storage.acknowledge(Stream.PRESENCE, 2)
        outbox, at = storage._recorder.outbox, storage._clock.now()

        def evict(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                outbox.replace(connection, Stream.PRESENCE, 3, 8, "evicted", at)
                outbox.replace(connection, Stream.PRESENCE, 9, 12, "evicted", at)

        await storage._thread.run(evict)
        await storage.commit(of(small(Stream.PRESENCE, 99)))
        await storage.begin_epoch("rolled_back")
        found = await held(storage, Stream.PRESENCE)
        assert [(item.first, item.last, item.gap) for item in found] == [(1, 10, "evicted"), (11, 11, None)]
        [said] = await recovered(storage)
        assert (said.reason, said.salvaged, said.lost) == ("rolled_back", 1, None)


async def test_possibly_sent_follows_the_first_publish(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        assert storage.possibly_sent(Stream.ORDERS) == 0
        await storage.commit(of(order(1)))
        assert storage.possibly_sent(Stream.ORDERS) == 0
        await storage.about_to_send()
        assert storage.possibly_sent(Stream.ORDERS) == 0, "about to send is not sent"
        storage.published(Stream.ORDERS, 1)
        assert storage.possibly_sent(Stream.ORDERS) == 1
        await storage.commit(of(order(2)))
        assert storage.possibly_sent(Stream.ORDERS) == 1
    for _ in range(2):  # two boots without a link
        async with running(tmp_path) as storage:
            assert storage.possibly_sent(Stream.ORDERS) == 2
            await storage.commit(of(order(3)))
            assert storage.possibly_sent(Stream.ORDERS) == 2
    async with running(tmp_path) as storage:
        await storage.about_to_send()
        await storage.about_to_send()
        assert storage.possibly_sent(Stream.ORDERS) == 2
    async with running(tmp_path) as storage:
        assert storage.possibly_sent(Stream.ORDERS) == 4, "the process before may have published all it had"


@pytest.mark.parametrize("image_taken", ["while sending", "before sending"])
async def test_a_restored_image_is_found_out_though_new_orders_took_the_numbers(
    tmp_path: Path, image_taken: str
) -> None:
    live, image = tmp_path / "live", tmp_path / "image"
    async with running(live) as storage:
        await storage.commit(of(*(order(n) for n in range(3))))
        if image_taken == "while sending":
            await storage.about_to_send()
    shutil.copytree(live, image)
    async with running(live) as storage:  # life goes on and is acknowledged
        await storage.about_to_send()
        await storage.commit(of(*(order(100 + n) for n in range(5))))
        acknowledged = storage.last(Stream.ORDERS)
        storage.acknowledge(Stream.ORDERS, acknowledged)
        assert storage.watermark(Stream.ORDERS) == 8
    async with running(image) as storage:  # the image boots without a link and overtakes the numbers
        fresh = [order(200 + n) for n in range(20)]
        await storage.commit(of(*fresh))
    async with running(image) as storage:
        assert storage.last(Stream.ORDERS) > acknowledged
        assert acknowledged > storage.possibly_sent(Stream.ORDERS)
        await storage.begin_epoch("rolled_back")
        found = [item.id for item in await held(storage, Stream.ORDERS)]
        assert found[-20:] == [draft.id for draft in fresh]
        assert len(found) == 23  # the three of the image may come twice: head office knows their ids
        [said] = await recovered(storage)
        assert (said.reason, said.salvaged, said.lost) == ("rolled_back", 23, None)
        assert storage.possibly_sent(Stream.ORDERS) == 0


async def test_a_new_epoch_is_all_or_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(*(order(n) for n in range(5))))
        before, epoch = await held(storage, Stream.ORDERS), storage.epoch
        await storage._thread.run(
            lambda c: (
                c.execute(
                    "CREATE TEMP TRIGGER stop BEFORE INSERT ON main.meta BEGIN SELECT RAISE(ABORT, 'no'); END"
                ).rowcount
            )
        )
        with pytest.raises(Exception, match="no"):
            await storage.begin_epoch("rolled_back")
        assert storage.epoch == epoch
        assert await held(storage, Stream.ORDERS) == before
    with sqlite3.connect(tmp_path / "edge.db") as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone() == (epoch,)
    connection.close()
