"""The slips nobody has understood yet: from storage, and off the list once a better template has read them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream
from edge_agent.contract.ids import uuid7
from edge_agent.page.history import unread_slips
from edge_agent.page.history.unread_slips import UnreadSlips
from edge_agent.page.sections.unread import LIMIT, Unread, unread
from edge_agent.page.sources import Reader
from edge_agent.shop.outcome import Outcome, StateChange
from edge_agent.shop.rereading import DONE, PART, parsed
from edge_agent.simulator.virtual_store import STORE_TOML
from edge_agent.storage import Storage
from tests.support.generation import configure
from tests.support.page import Page, served
from tests.support.pty import Cable
from tests.support.recaptures import TEMPLATE_TOML, decoded, printed, vendor
from tests.support.slips import receipt, sale
from tests.support.storage import AT, of, order, running, until

MANAGER = Reader("en", is_manager=True)
KEPT = "Nothing is lost: what is on them is kept, and read again once the box has learnt it."


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with served(configure(tmp_path)) as found:
        yield found


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


def slip(number: int) -> Draft:
    """Return a slip that nobody understands, and whose capture is not kept."""
    what = data.Unparsed(
        device="till-1-printer", touchpoint="till-1", business_day="2026-11-22",
        completed_at="2026-11-22T10:31:05+08:00", text=(f"凭据 {number}", "请付 8.50"), reason="no_template",
        evidence=data.Evidence(decoder="escpos", template=None, capture_sha256=f"{number:064x}"),
    )  # fmt: skip
    return Draft(
        id=uuid7(AT.wall_ms), stream=Stream.ORDERS, type="o2o.order.unparsed.v1", at=AT, data=what,
        device="till-1-printer", subject=f"slip/{number}", partitionkey="sh-0001/till-1",
    )  # fmt: skip


async def said(page: Page, reader: Reader = MANAGER) -> Unread:
    return await unread(page.sources, reader, page.shop.clock.now())


async def read_since(storage: Storage, *, told: bool) -> StateChange:
    """Return the row that says of the one capture kept that it was read."""
    (sha256,) = await storage.captures()
    held = await storage.held_capture(sha256)
    assert held is not None
    about = parsed(held.about[0])
    assert about is not None
    about = msgspec.structs.replace(about, told=told)
    return StateChange(PART, about.id, msgspec.json.encode(about))


async def look_back(found: UnreadSlips, storage: Storage, most: int) -> list[int]:
    """Look until all was looked at; return how many slips were known after each look."""
    counts: list[int] = []
    while not found.is_whole and len(found.slips) < most:
        await found.look(storage)
        counts.append(len(found.slips))
    return counts


async def test_nothing_was_ever_printed(page: Page) -> None:
    assert await said(page) == Unread(0, "All receipts were understood.", ())


async def test_what_is_on_it_is_for_the_manager(page: Page) -> None:
    await page.record(receipt(sale()))
    await page.record(decoded(printed(vendor(1))))
    manager, passing = await said(page), await said(page, Reader("zh"))
    assert (manager.count, manager.sentence) == (1, f"1 receipt was not understood. {KEPT}")
    assert manager.slips[0].device == "1号收银小票"
    assert "凭据 20261122000001" in (manager.slips[0].text or ())
    assert passing.sentence == "有1张小票没看懂。小票不会丢，都存着，以后看得懂了会自动补读。"
    assert [one.text for one in passing.slips] == [None]


async def test_the_newest_ten_of_many(page: Page) -> None:
    for number in range(15):
        await page.shop.storage.commit(of(order(number), slip(number)))
    found = await said(page)
    assert (found.count, len(found.slips)) == (15, LIMIT)
    assert [(one.text or ("",))[0] for one in found.slips] == [f"凭据 {number}" for number in range(14, 4, -1)]
    await page.shop.storage.commit(of(slip(15)))
    again = await said(page)
    assert (again.count, again.slips[0].text) == (16, ("凭据 15", "请付 8.50"))
    assert again.slips[1:] == found.slips[:-1]


@pytest.mark.usefixtures("cable")
async def test_a_better_template_takes_them_off(tmp_path: Path) -> None:
    async with served(configure(tmp_path)) as page:
        await page.record(decoded(printed(vendor(1))))
        await page.record(decoded(printed("???\n只有天知道\n")))
        assert (await said(page)).count == 2
    async with served(configure(tmp_path, store=STORE_TOML + TEMPLATE_TOML), devices=True) as page:
        await until(lambda: bool(page.shop.storage.state(DONE)))
        found = await said(page)
        assert (found.count, found.slips[0].text) == (1, ("???", "只有天知道"))


@pytest.mark.parametrize("told", [True, False])
async def test_one_that_is_read_while_the_page_is_open_drops_off(page: Page, told: bool) -> None:
    storage = page.shop.storage
    await page.record(decoded(printed(vendor(1))))
    assert (await said(page)).count == 1
    await storage.commit(Outcome(state=(await read_since(storage, told=told),)))
    assert (await said(page)).count == (0 if told else 1)


async def test_one_that_was_read_while_nobody_looked_drops_off(page: Page) -> None:
    storage = page.shop.storage
    await page.record(decoded(printed(vendor(1))))
    assert (await said(page)).count == 1
    row = await read_since(storage, told=True)
    (sha256,) = await storage.captures()
    assert row.value is not None
    await storage.rewrite_capture(sha256, lambda _: row.value or b"")
    await storage.commit(Outcome(state=(StateChange(DONE, "till-1-printer", b"better"),)))
    assert (await said(page)).count == 0


@pytest.mark.usefixtures("cable")
async def test_what_turns_out_to_be_no_order_drops_off_and_today_agrees(tmp_path: Path) -> None:
    unknown = "凭据预览\n凭据 20261122000001\n鱼香肉丝     1份\n米饭         2份\n"
    kitchen = STORE_TOML + TEMPLATE_TOML + "kind = { kitchen = ['凭据预览'] }\n"
    async with served(configure(tmp_path)) as page:
        await page.record(decoded(printed(unknown)))
        assert ((await said(page)).count, unparsed(page)) == (1, 1)
        last = page.shop.storage.last(Stream.ORDERS)
    async with served(configure(tmp_path, store=kitchen), devices=True) as page:
        await until(lambda: bool(page.shop.storage.state(DONE)))
        assert ((await said(page)).count, unparsed(page)) == (0, 0)
        assert page.shop.storage.last(Stream.ORDERS) == last, "nothing is sent"
        assert not page.shop.storage.state(PART)
    async with served(configure(tmp_path)) as page:
        assert ((await said(page)).count, unparsed(page)) == (0, 0)


def unparsed(page: Page) -> int:
    return page.shop.generation.shop.counts(page.shop.clock.now()).unparsed


async def test_one_whose_capture_was_renamed_while_nobody_looked_drops_off(tmp_path: Path, cable: Cable) -> None:
    wrong = STORE_TOML.replace("gb18030", "cp437")
    secret = sale(extra="会员手机: 13812345678").replace("\n", "\r\n").encode("gb18030") + b"\x1dV\x42\x00"
    async with served(configure(tmp_path, store=wrong), devices=True) as page:
        await cable.write(secret)
        await until(lambda: page.shop.storage.last(Stream.ORDERS) == 1)
        assert (await said(page)).count == 1
        before = await page.shop.storage.captures()
    async with served(configure(tmp_path), devices=True) as page:
        await until(lambda: page.shop.storage.last(Stream.ORDERS) == 2)
        await until(lambda: bool(page.shop.storage.state(DONE)))
        assert not page.shop.storage.state(PART)
        assert await page.shop.storage.captures() != before
        assert (await said(page)).count == 0
    async with served(configure(tmp_path)) as page:
        assert (await said(page)).count == 0


async def test_an_idle_page_reads_nothing(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await page.shop.storage.commit(of(slip(1)))
    first = await said(page)
    monkeypatch.setattr(page.shop.storage.history, "newest_first", None)
    monkeypatch.setattr(page.shop.storage, "held_capture", None)
    assert await said(page) is first


async def test_a_long_past_is_looked_through_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread_slips, "LOOK", 30)
    monkeypatch.setattr(unread_slips, "MOST", 8)
    async with running(tmp_path) as storage:
        for number in range(100):
            await storage.commit(of(slip(number) if number % 20 == 0 else order(number)))
        found = UnreadSlips()
        counts = await look_back(found, storage, most=100)
        assert counts == sorted(counts)
        assert len(counts) > 2
        assert counts[-1] == 5
        for number in range(100, 110):
            await storage.commit(of(slip(number)))
        await found.look(storage)
        assert (len(found.slips), found.is_whole) == (8, False)
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(found.look(storage))
        sequences = [one.sequence for one in found.slips]
        assert sequences == list(range(110, 102, -1))
        for number in range(200, 300):  # more than is looked at in one go came while nobody looked
            await storage.commit(of(order(number)))
        await found.look(storage)
        assert not found.slips
        await look_back(found, storage, most=8)
        assert [one.sequence for one in found.slips][:8] == sequences


async def test_what_storage_has_let_go_of_is_not_counted_any_more(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for number in range(5):
            await storage.commit(of(slip(number)))
        found = UnreadSlips()
        await found.look(storage)
        await storage._thread.run(lambda c: c.execute("DELETE FROM frame WHERE id & 0xFFFF < 4").rowcount)
        await storage.commit(of(order(9)))
        await found.look(storage)
        assert [one.sequence for one in found.slips] == [5, 4]


async def test_a_new_epoch_counts_nothing_twice(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for number in range(3):
            await storage.commit(of(slip(number), order(number)))
        found = UnreadSlips()
        await found.look(storage)
        await storage.begin_epoch("cloned")
        await found.look(storage)
        assert (len(found.slips), found.is_whole) == (3, True)


@pytest.mark.parametrize("hanging", ["_was_read", "_text"])
async def test_a_look_that_is_cut_short_is_made_up_for(
    page: Page, monkeypatch: pytest.MonkeyPatch, hanging: str
) -> None:
    for number in range(5):
        await page.shop.storage.commit(of(slip(number)))
    found, answered = UnreadSlips(), 0
    answers = getattr(unread_slips, hanging)

    async def third_hangs(storage: Storage, of_slip: unread_slips.UnreadSlip) -> object:
        nonlocal answered
        answered += 1
        if answered == 3:
            await asyncio.Event().wait()
        return await answers(storage, of_slip)

    with monkeypatch.context() as disk:
        disk.setattr(unread_slips, hanging, third_hangs)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(found.look(page.shop.storage), 0.5)
    version = found.version
    await found.look(page.shop.storage)
    assert [one.sequence for one in found.slips] == sorted({one.sequence for one in found.slips}, reverse=True)
    assert (len(found.slips), found.is_whole, found.version > version) == (5, True, True)
    assert [found.texts[one.id][0] for one in found.slips] == [f"凭据 {number}" for number in (4, 3, 2, 1, 0)]
