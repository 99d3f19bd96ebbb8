"""Captures read again by a generation that knows more: once each, whatever happens meanwhile."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from edge_agent.clock import Clock
from edge_agent.config import Config
from edge_agent.config.devices import LineSettings
from edge_agent.config.shop import shop_settings
from edge_agent.contract import data
from edge_agent.contract.events import Stream
from edge_agent.contract.frames import decode_events
from edge_agent.generation.rereading import Rereading
from edge_agent.health import Health
from edge_agent.shop.outcome import Outcome, StateChange
from edge_agent.shop.rereading import PART, parsed, sent_again
from edge_agent.shop.shop import Shop
from edge_agent.simulator.virtual_store import STORE_TOML
from edge_agent.storage import Storage
from tests.support import storage as storages
from tests.support.generation import configure, running
from tests.support.pty import Cable
from tests.support.recaptures import TEMPLATE_TOML, decoded, printed, vendor
from tests.support.slips import sale
from tests.support.storage import captured, frames, until

TAUGHT = STORE_TOML + TEMPLATE_TOML


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


async def orders(storage: Storage) -> list[tuple[str, dict[str, Any]]]:
    """Return type and data of every event of the orders stream."""
    events = [e for frame in await frames(storage, Stream.ORDERS) for e in decode_events(frame.body, frame.encoding)]
    return [(event.type, msgspec.json.decode(event.data)) for event in events]


async def test_a_new_template_reads_what_was_printed_before_it(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    async with running(config) as shop:
        numberless = sale(number=None, extra="凭据 20261122000009")
        await cable.write(printed(vendor(1)) + printed(vendor(2)) + printed(numberless))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 3)
    with capture_logs() as log:
        async with running(configure(tmp_path, store=TAUGHT)) as shop:
            await until(lambda: shop.storage.last(Stream.ORDERS) == 6)
            await cable.write(printed(vendor(2)))  # the same paper again, after it became an order
            await until(lambda: shop.generation.shop.seen["sale"] == 1)
            counts = shop.generation.shop.counts(shop.clock.now())
            found = await orders(shop.storage)
            await until(lambda: any(entry["event"] == "captures_read_again" for entry in log))
            assert not shop.storage.state(PART)
    kinds = [kind for kind, _ in found]
    assert kinds[:3] == ["o2o.order.unparsed.v1", "o2o.order.unparsed.v1", "o2o.order.completed.v1"]
    assert sorted(kinds[3:]) == ["o2o.order.completed.v1", "o2o.order.completed.v1", "o2o.order.corrected.v1"]
    assert {data["order_no"] for _, data in found[3:]} == {f"20261122{n:06d}" for n in (1, 2, 9)}
    assert (counts.orders, counts.unparsed, counts.duplicates) == (3, 0, 1)
    (before,) = [data for kind, data in found[:3] if kind == "o2o.order.completed.v1"]
    (after,) = [data for kind, data in found if kind == "o2o.order.corrected.v1"]
    assert (after["order_id"], after["revision"]) == (before["order_id"], 2)
    (done,) = [entry for entry in log if entry["event"] == "captures_read_again"]
    assert (done["read"], done["corrected"]) == (2, 1)

    async with running(configure(tmp_path, store=TAUGHT)) as shop:  # nothing has changed: nothing is read
        await cable.write(printed(vendor(3)))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 7)
        await asyncio.sleep(0)
        assert len(await orders(shop.storage)) == 7
    async with running(config) as shop:  # the template is taken back: what it found out stays
        await cable.write(printed(sale()))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 8)
        await until(lambda: bool(shop.storage.state("reread_done")))
        assert len(await orders(shop.storage)) == 8


class CrashError(Exception):
    """The process dies here."""


class Crashing:
    """Counts what reaches the disk, and dies before the ``last`` of it."""

    def __init__(self, storage: Storage, last: int) -> None:
        self._storage = storage
        self._left = last

    async def commit(self, outcome: Outcome) -> None:
        """See ``Storage.commit``."""
        await self._step(self._storage.commit(outcome))

    async def rewrite_capture(self, *arguments: Any) -> bool:
        """See ``Storage.rewrite_capture``."""
        await self._step(self._storage.rewrite_capture(*arguments))
        return True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def _step(self, write: Any) -> None:
        self._left -= 1
        if self._left == 0:
            write.close()
            raise CrashError
        await write


async def one_life(config: Config, last: int) -> bool:
    """Read captures again until everything is read or the process dies; returns whether it was read."""
    clock = Clock(quality=lambda: True)
    async with storages.running(config.agent.agent.state_dir, clock=clock, health=Health(clock)) as storage:
        crashing: Any = Crashing(storage, last)
        shop = Shop(shop_settings(config), b"key", storage.state)
        lines = {d.id: d for d in config.store.devices if isinstance(d, LineSettings)}
        rereading = Rereading(lines, shop, crashing, clock, crashing.commit)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(_until_it_dies(rereading, shop))
            await until(lambda: task.done() or bool(storage.state("reread_done")))
            task.cancel()
        return bool(storage.state("reread_done"))


async def _until_it_dies(rereading: Rereading, shop: Shop) -> None:
    with suppress(CrashError):
        await rereading.run(shop.read_by)


async def capture_some(config: Config) -> None:
    """Have a shop that does not know the layout record five slips, two of them with the very same bytes."""
    clock = Clock(quality=lambda: True)
    async with storages.running(config.agent.agent.state_dir, clock=clock, health=Health(clock)) as storage:
        shop = Shop(shop_settings(config), b"key", storage.state)
        numberless = sale(number=None, extra="凭据 20261122000009")
        unnumbered = vendor(7).replace("20261122000007", "--")
        for text in (vendor(1), numberless, unnumbered, unnumbered, vendor(2)):
            await storage.commit(shop.observe("till-1-printer", decoded(printed(text)), clock.now()))


async def test_whenever_it_dies_every_slip_is_sent_once(tmp_path: Path) -> None:
    points = 0
    for last in range(1, 40):
        folder = tmp_path / str(last)
        folder.mkdir()
        await capture_some(configure(folder))
        taught = configure(folder, store=TAUGHT)
        whole = await one_life(taught, last)
        assert await one_life(taught, 1_000)
        clock = Clock(quality=lambda: True)
        async with storages.running(taught.agent.agent.state_dir, clock=clock, health=Health(clock)) as storage:
            found = await orders(storage)
            again = sorted((str(data["order_no"]), data["revision"]) for _, data in found[5:])
            assert again == [
                ("20261122000001", 1), ("20261122000002", 1), ("20261122000009", 2), ("None", 1), ("None", 1),
            ], last  # fmt: skip
            assert not storage.state(PART), "nothing is left on its way"
            for name in await storage.captures():
                held = await storage.held_capture(name)
                assert held is not None
                assert all((known := parsed(about)) and known.sent for about in held.about)
        if whole:
            break
        points += 1
    assert points >= 12, "it dies at every write"


async def test_secrets_that_only_the_right_code_page_shows_leave_the_capture(tmp_path: Path, cable: Cable) -> None:
    wrong = STORE_TOML.replace("gb18030", "cp437")
    assert wrong != STORE_TOML
    slip = sale(extra="会员手机: 13812345678").replace("\n", "\r\n").encode("gb18030") + b"\x1dV\x42\x00"
    async with running(configure(tmp_path, store=wrong)) as shop:
        await cable.write(slip)
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
        (before,) = await captured(shop.storage)
    async with running(configure(tmp_path)) as shop:
        await until(lambda: shop.storage.last(Stream.ORDERS) == 2)
        await until(lambda: bool(shop.storage.state("reread_done")))
        (after,) = await captured(shop.storage)
        held = await shop.storage.held_capture(after)
        assert held is not None
        assert b"13812345678" not in held.body
        assert after != before
        (_, order) = (await orders(shop.storage))[1]
        assert (order["order_no"], order["evidence"]["capture_sha256"]) == ("20261122000137", after)
        known = parsed(held.about[0])
        assert known is not None
        assert known.sent is not None
        assert known.sent.order_id == order["order_id"]


async def test_what_was_sent_since_reaches_the_capture(tmp_path: Path) -> None:
    """A payment that comes after its receipt makes a revision: the capture must know of it, and memory must not."""
    config = configure(tmp_path)
    async with running(config, devices=False) as shop:
        rules = Shop(shop_settings(config), b"key", shop.storage.state)
        outcome = rules.observe("till-1-printer", decoded(printed(sale())), shop.clock.now())
        await shop.storage.commit(outcome)
        order = outcome.events[0].data
        assert isinstance(order, data.Order)
        revised = msgspec.structs.replace(order, revision=2)
        rows = sent_again(outcome.captures[0].about, revised, shop.clock.now())
        gone = StateChange(PART, "of a file that has gone", b"{}")
        await shop.storage.commit(Outcome(state=(*rows, gone)))
        lines = {d.id: d for d in config.store.devices if isinstance(d, LineSettings)}
        rereading = Rereading(lines, rules, shop.storage, shop.clock, shop.storage.commit)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(rereading.run(rules.read_by))
            await until(lambda: not shop.storage.state(PART))
            task.cancel()
        (name,) = await captured(shop.storage)
        held = await shop.storage.held_capture(name)
        assert held is not None
        known = parsed(held.about[0])
        assert known is not None
        assert known.sent == revised


async def test_forgetting_a_member_reaches_captures(tmp_path: Path) -> None:
    config = configure(tmp_path)
    text = sale(extra="会员号: V20260007")
    async with running(config, devices=False) as shop:
        rules = Shop(shop_settings(config), b"key", shop.storage.state)
        outcome = rules.observe("till-1-printer", decoded(printed(text)), shop.clock.now())
        member = getattr(outcome.events[0].data, "member", None)
        assert member
        await shop.storage.commit(outcome)
        await shop.generation.forget_member(member)
        (name,) = await captured(shop.storage)
        held = await shop.storage.held_capture(name)
        assert held is not None
        (about,) = held.about
        assert member.encode() not in about
        known = parsed(about)
        assert known is not None
        assert known.sent is not None
