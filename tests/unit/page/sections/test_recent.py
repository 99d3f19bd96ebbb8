"""The last events in plain words: every type has its sentence or is left out on purpose, and nothing personal shows."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from edge_agent.clock import Moment
from edge_agent.config import Config
from edge_agent.contract import data
from edge_agent.contract.events import EVENT_TYPES, CloudEvent, Draft, Stream, envelope
from edge_agent.contract.ids import uuid7
from edge_agent.page.history.newest import LOOK, Newest, decoded
from edge_agent.page.history.telling import SILENT, TELLINGS, Teller
from edge_agent.page.sections.recent import LIMIT, Happened, recent
from edge_agent.page.sources import Reader
from tests.support import golden
from tests.support.generation import configure
from tests.support.page import Page, served
from tests.support.storage import AT, ORIGIN, of, order, running, small, until

LANGUAGES = ("zh", "en")
TOLD = sorted(TELLINGS)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configure(tmp_path)


@pytest.fixture
async def page(config: Config) -> AsyncIterator[Page]:
    async with served(config) as found:
        yield found


def event(type_: str, **changes: object) -> CloudEvent:
    what = golden.draft(type_)
    what = replace(what, data=msgspec.structs.replace(what.data, **changes))
    return envelope(what, ORIGIN, 1, golden.RECORDED)


def sentence(config: Config, reader: Reader, type_: str, **changes: object) -> str | None:
    told = decoded(event(type_, **changes))
    assert told is not None
    return Teller.of(config.store, reader).tell(told)


def test_every_type_is_told_or_left_out_on_purpose() -> None:
    assert TELLINGS.keys() | SILENT == EVENT_TYPES.keys()
    assert not TELLINGS.keys() & SILENT
    assert {telling.kind for telling in TELLINGS.values()} == {"order", "checkin", "device", "agent"}


@pytest.mark.parametrize("type_", TOLD)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_whole_and_only_the_manager_sees_who_and_how_much(
    config: Config, language: str, type_: str
) -> None:
    changes = {"revision": 1} if type_ == "o2o.checkin.recorded.v1" else {}
    passing = sentence(config, Reader(language), type_, **changes)
    manager = sentence(config, Reader(language, is_manager=True), type_, **changes)
    assert passing
    assert manager
    assert not [secret for secret in ("王芳", "m-1024", "¥", "2.96", "2,000", "解款", "8,420") if secret in passing]
    assert manager.startswith(passing)
    assert re.search(r"[{}]|None|till-1", passing) is None
    assert bool(re.search("[\u3400-\u9fff]", passing.replace("1号收银台", "").replace("1号收银小票", ""))) == (
        language == "zh"
    )


def test_sentences_as_a_person_reads_them(config: Config) -> None:
    sale = "o2o.order.completed.v1"
    assert sentence(config, Reader("zh"), sale) == "1号收银台一单，小票号 20261122000137"
    assert (
        sentence(config, Reader("zh", is_manager=True), sale)
        == "1号收银台一单，小票号 20261122000137，¥2.96，收银员王芳"
    )
    assert sentence(config, Reader("en"), sale, order_no=None) == "A sale at 1号收银台"
    assert sentence(config, Reader("en"), "o2o.device.down.v1") == "1号收银小票 stopped working"
    clock = "o2o.agent.clock_changed.v1"
    assert sentence(config, Reader("en"), clock) == "The box's clock was set back by about 60 minutes"
    pushed = "o2o.config.committed.v1"
    assert sentence(config, Reader("en"), pushed) == "Head office's new settings (version 42) are in force"
    assert sentence(config, Reader("zh"), pushed) == "总部下发的新设置（第42版）已生效"
    assert sentence(config, Reader("zh"), "o2o.config.rolled_back.v1") == (
        "总部下发的新设置（第44版）试用时有设备用不了，小主机已自动换回原来的设置"
    )


@pytest.mark.parametrize(
    ("type_", "changes"),
    [
        ("o2o.order.completed.v1", {"kind": "rental", "order_no": None, "totals": data.Totals(payable=None)}),
        ("o2o.order.completed.v1", {"kind": "delivery_slip", "channel": data.Channel(id="ghost", owner="x")}),
        ("o2o.order.completed.v1", {"evidence": data.Evidence("escpos", None, None, flags=("provisional",))}),
        ("o2o.order.completed.v1", {"currency": "XTS"}),
        ("o2o.order.completed.v1", {"attribution": data.Attribution(store="s", touchpoint=None)}),
        ("o2o.day.closed.v1", {"cause": "eclipse", "workstation": "till-1"}),
        ("o2o.checkin.recorded.v1", {"method": "smell", "revision": 1, "touchpoint": None}),
        ("o2o.device.down.v1", {"device": "gone-since", "reason": "haunted"}),
        ("o2o.agent.storage_low.v1", {"level": "ok"}),
        ("o2o.agent.recovered.v1", {"reason": "prayed", "lost": None}),
        ("o2o.config.rejected.v1", {"code": "moon_phase"}),
        ("o2o.config.rolled_back.v1", {"code": None}),
        ("o2o.cash.moved.v1", {"direction": "sideways", "touchpoint": None, "cashier": None, "reason": None}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_manager", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_unknown_is_told_as_well_as_can_be(
    config: Config, language: str, is_manager: bool, type_: str, changes: dict[str, object]
) -> None:
    assert sentence(config, Reader(language, is_manager), type_, **changes)


def test_some_are_not_told(config: Config) -> None:
    reader = Reader("zh", is_manager=True)
    assert sentence(config, reader, "o2o.checkin.recorded.v1", revision=2) is None
    assert sentence(config, reader, "o2o.agent.gap.v1", reason="forgotten") is None
    assert sentence(config, reader, "o2o.agent.gap.v1", reason="not_held") is None


def test_a_later_version_does_not_break_the_page(config: Config) -> None:
    known = event("o2o.device.up.v1")
    minor = msgspec.structs.replace(known, data=msgspec.Raw(b'{"mood":"fine",' + bytes(known.data)[1:]))
    told = decoded(minor)
    assert told is not None
    assert Teller.of(config.store, Reader("en")).tell(told) == "1号收银小票 works"
    assert decoded(msgspec.structs.replace(known, type="o2o.device.up.v2")) is None
    assert decoded(msgspec.structs.replace(known, data=msgspec.Raw(b'{"device":7}'))) is None
    assert decoded(msgspec.structs.replace(known, time="yesterday")) is None


# --- from storage ----------------------------------------------------------------------------------------------------


async def texts(page: Page, reader: Reader = Reader("en"), now: Moment | None = None) -> list[Happened]:  # noqa: B008 - frozen
    return list(await recent(page.sources, reader, now or page.shop.clock.now()))


def device(state: str, at: Moment = AT) -> Draft:
    changed = data.DeviceChanged(device="till-1-printer", kind="serial", touchpoint="till-1")
    return Draft(id=uuid7(at.wall_ms), stream=Stream.OPS, type=f"o2o.device.{state}.v1", at=at, data=changed)


async def test_merged_newest_first_delivered_or_not(page: Page) -> None:
    storage = page.shop.storage
    await storage.commit(of(device("up")))
    for number in range(30):
        await storage.commit(of(order(number)))
    await storage.about_to_send()
    storage.acknowledge(Stream.ORDERS, 29)
    recorded_ms = page.shop.clock.now().wall_ms
    await until(lambda: page.shop.clock.now().wall_ms > recorded_ms)  # within one millisecond there is no order
    await storage.commit(of(device("down")))
    told = await texts(page)
    assert len(told) == LIMIT
    assert (told[0].kind, told[0].text) == ("device", "1号收银小票 stopped working")
    assert [one.text[-2:] for one in told[1:4]] == ["29", "28", "27"]
    assert {one.kind for one in told[1:]} == {"order"}


async def test_the_time_is_when_it_happened_seen_from_now(page: Page) -> None:
    await page.shop.storage.commit(of(order(1)))
    (same_day,) = await texts(page, now=AT)
    (next_day,) = await texts(page, now=replace(AT, wall_ms=AT.wall_ms + 86_400_000))
    assert re.fullmatch(r"\d\d:\d\d", same_day.time)
    assert next_day.time == f"yesterday {same_day.time}"


async def test_an_idle_page_costs_nothing(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await page.shop.storage.commit(of(order(1)))
    first = await recent(page.sources, Reader("zh"), AT)
    monkeypatch.setattr(page.shop.storage.history, "newest_first", None)
    monkeypatch.setattr(Teller, "tell", None)
    assert await recent(page.sources, Reader("zh"), AT) is first


async def test_only_what_came_since_is_read(page: Page) -> None:
    storage = page.shop.storage
    for number in range(100):
        await storage.commit(of(order(number)))
    await texts(page)
    await storage._thread.run(
        lambda connection: connection.execute("DELETE FROM frame WHERE id & 0xFFFF < 90").rowcount
    )
    await storage.commit(of(order(100)))
    told = await texts(page)
    assert [int(one.text[-3:]) for one in told] == list(range(100, 80, -1))


async def test_who_is_forgotten_is_not_told_of_any_more(page: Page) -> None:
    checkin = msgspec.structs.replace(golden.DATA["o2o.checkin.recorded.v1"], revision=1)
    storage = page.shop.storage
    await storage.commit(of(replace(golden.draft("o2o.checkin.recorded.v1"), data=checkin), order(1)))
    manager = Reader("en", is_manager=True)
    assert any("m-1024" in one.text for one in await texts(page, manager))
    await storage.forget(lambda body: b"m-1024" in body)
    assert [one.kind for one in await texts(page, manager)] == ["order"]


async def test_a_new_epoch_tells_nothing_twice(page: Page) -> None:
    storage = page.shop.storage
    for number in range(3):
        await storage.commit(of(order(number)))
    await texts(page)
    await storage.begin_epoch("cloned")
    told = await texts(page)
    assert [one.kind for one in told] == ["agent", "order", "order", "order"]


async def test_nothing_has_happened_yet(page: Page) -> None:
    assert await texts(page) == []


async def test_codes_shown_all_day_do_not_have_it_read_for_ever(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        told = golden.draft("o2o.checkin.recorded.v1")
        await storage.commit(of(told))
        for start in range(0, 2 * LOOK, 100):
            await storage.commit(of(*(small(Stream.CHECKINS, number) for number in range(start, start + 100))))
        newest = Newest(frozenset(TELLINGS), LIMIT)
        assert await newest.of(storage) == []
        await storage.commit(of(told))
        assert [one.type for one in await newest.of(storage)] == [told.type]


async def test_recorded_while_it_is_read_is_told_once(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(order(1)))
        newest = Newest(frozenset(TELLINGS), LIMIT)
        read = storage.history.newest_first

        async def late(stream: Stream) -> AsyncIterator[object]:
            if stream is Stream.ORDERS:
                await storage.commit(of(order(2)))
            async for bite in read(stream):
                yield bite

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(storage.history, "newest_first", late)
            ids = [one.id for one in await newest.of(storage)]
        assert len(ids) == len(set(ids)) == 2
        await storage.commit(of(order(3)))
        again = [one.id for one in await newest.of(storage)]
        assert again[1:] == ids
        assert len(set(again)) == 3
