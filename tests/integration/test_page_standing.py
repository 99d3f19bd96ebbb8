"""How the day's proof, the link and the box are told, and the status document, from real parts."""

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent import __version__
from edge_agent.clock import Moment, Step, TimeQuality
from edge_agent.contract.events import Stream
from edge_agent.contract.remote import ConfigId, Desired, Reported
from edge_agent.page import metrics, status
from edge_agent.page.sections.box import box
from edge_agent.page.sections.link import link
from edge_agent.page.sections.proof import Proof, proof
from edge_agent.page.sources import Reader, Sources
from edge_agent.simulator.virtual_store import STORE_TOML
from edge_agent.storage import rows
from tests.support.generation import configure
from tests.support.page import Page, served
from tests.support.proof import Till, answer, order
from tests.support.slips import receipt, sale
from tests.support.storage import of
from tests.support.storage import order as sold

MANAGER, READER, ENGLISH = Reader("zh", is_manager=True), Reader("zh"), Reader("en")
YESTERDAY = "2026-11-21"


@pytest.fixture(autouse=True)
def no_runtime_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with served(configure(tmp_path)) as found:
        yield found


class TestProof:
    """The proof in one line."""

    @pytest.fixture
    def till(self, page: Page) -> Till:
        till = Till()
        page.shop.generation.shop.proof = till.proof
        return till

    def told(self, page: Page, till: Till, reader: Reader = READER) -> Proof:
        return proof(page.sources, reader, till.now)

    async def test_a_day_from_its_first_order_to_head_offices_word(self, page: Page, till: Till) -> None:
        assert self.told(page, till).today.sentence == "今天还没有订单"
        till.sell(order("101", 500_00), order("102", 342_00))
        assert self.told(page, till).today.sentence == "今天2单，日结后与总部核对"
        till.report(842_00)
        assert self.told(page, till).today.sentence == "今天2单，等总部核对"
        till.hear(answer(till.lines()))
        today = self.told(page, till).today
        assert (today.state, today.sentence) == ("agreed", "今天2单 已与总部核对一致")
        assert self.told(page, till, MANAGER).today.sentence == "今天2单 ¥842.00 已与总部核对一致"
        assert self.told(page, till, ENGLISH).today.sentence == "Today: 2 orders, the same at head office"

    async def test_receipts_that_differ_are_named(self, page: Page, till: Till) -> None:
        till.sell(order("101"), order("102"))
        till.report(3200)
        till.hear(answer(till.lines()[:1]))
        today = self.told(page, till).today
        assert (today.state, len(today.differing)) == ("differs", 1)
        assert today.differing[0] in {"101", "102"}
        assert today.sentence == "今天2单，与总部对不上，请看下面的小票号"
        till.hear(answer(["x"], silent=True))
        assert "请看下面" not in self.told(page, till).today.sentence or self.told(page, till).today.differing

    async def test_missing_numbers_with_the_workstation_where_there_are_several(self, page: Page, till: Till) -> None:
        till.sell(*(order(str(number)) for number in (101, 102, 103, 104, 105, 107)))
        assert self.told(page, till).today.missing == ("106",)
        till.sell(order("9", workstation=None))
        assert self.told(page, till).today.missing == ("03：106",)

    async def test_a_register_that_says_something_else(self, page: Page, till: Till) -> None:
        till.sell(order("101", workstation=None))
        till.report(9900, workstation=None)
        assert self.told(page, till).today.sentence.endswith("；1号收银台的日结单和小票对不上")

    async def test_the_days_before(self, page: Page, till: Till) -> None:
        till.turn_to(f"{YESTERDAY}T12:00:00")
        till.sell(order("1", day=YESTERDAY))
        till.turn_to("2026-11-22T12:00:00")
        till.tick()
        (before,) = self.told(page, till).earlier
        assert (before.business_day, before.state, before.sentence) == (YESTERDAY, "waiting", "昨天1单，等总部核对")

    async def test_standing_follows_every_revision(self, page: Page, till: Till) -> None:
        """What is kept of a day is reckoned anew when, and only when, one of its orders changes."""
        first = order("101", 1600)
        till.sell(first)
        kept = till.proof.standing("2026-11-22").workstations[0]
        assert till.proof.standing("2026-11-22").workstations[0] is kept
        till.sell(order("102", 400))
        assert till.proof.standing("2026-11-22").payable == 2000
        till.report(2000)
        assert till.proof.standing("2026-11-22").state == "waiting"


class TestLink:
    """What waits, and for how long."""

    async def test_nothing_yet_and_nothing_waits(self, page: Page) -> None:
        told = await link(page.sources, READER, page.shop.clock.now())
        assert told.sentence == "总部还没有收到数据；现在没有连上总部"
        page.sync.connected = True
        told = await link(page.sources, READER, page.shop.clock.now())
        assert told.sentence == "总部还没有收到数据；没有要传的"

    async def test_what_waits_is_counted_and_kept_while_offline(self, page: Page) -> None:
        now = page.shop.clock.now()
        for number in (1, 2, 3):
            await page.shop.storage.commit(of(sold(number, now)))
        page.shop.storage.acknowledge(Stream.ORDERS, 1)
        told = await link(page.sources, READER, page.shop.clock.now())
        assert (told.connected, told.waiting, told.backlog) == (False, 2, "")
        assert told.sentence.startswith("截至")
        assert told.sentence.endswith("；现在没有连上总部，2条数据先存着，连上后自动上传")
        assert told.oldest.startswith("最早一条是")

    async def test_how_long_the_rest_will_take(self, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
        now = page.shop.clock.now()
        await page.shop.storage.commit(of(sold(1, now), sold(2, now)))
        page.sync.connected = True
        assert (await link(page.sources, READER, later(now, 9_000))).sentence.endswith("没有要传的"), "it is on its way"
        now = later(now, 11_000)
        assert (await link(page.sources, READER, now)).sentence.endswith("还有2条没传")
        monkeypatch.setattr(page.sync, "backlog_seconds", lambda: 125.0)
        told = await link(page.sources, READER, now)
        assert told.sentence.endswith("；还有2条没传，约2分钟传完")
        english = await link(page.sources, ENGLISH, now)
        assert english.sentence.endswith("; 2 items are waiting, about 2 minutes to go")

    async def test_asking_again_costs_the_disk_nothing(self, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
        now = page.shop.clock.now()
        await page.shop.storage.commit(of(sold(1, now), sold(2, now)))
        before = (await page.shop.storage.waiting())[Stream.ORDERS]
        reads = []
        heads = rows.heads

        def counted(connection: sqlite3.Connection, stream: Stream, after: int, limit: int) -> list[rows.Head]:
            reads.append(stream)
            return heads(connection, stream, after, limit)

        monkeypatch.setattr(rows, "heads", counted)
        assert (await page.shop.storage.waiting())[Stream.ORDERS] == before
        assert reads == []
        page.shop.storage.acknowledge(Stream.ORDERS, 1)
        assert (await page.shop.storage.waiting())[Stream.ORDERS].events == 1
        assert len(reads) == 1


def pushed(page: Page, desired: Desired, phase: str, code: str | None, at: str) -> Sources:
    """Return the sources of a box that runs version 42, to which something has been pushed."""
    own = ConfigId(42, "abcdef0123456789")
    said = Reported(running=own, last_known_good=own, desired=desired, phase=phase, code=code, at=at)
    return replace(page.sources, reported=lambda: said)


class TestBox:
    """The clock, the configuration, the software."""

    async def test_a_box_whose_clock_is_right(self, page: Page) -> None:
        told = box(page.sources, READER, page.shop.clock.now())
        assert (told.clock_note, told.version, told.language, told.presence_pause) == ("", __version__, "zh", "")
        sha256 = hashlib.sha256(STORE_TOML.encode()).hexdigest()
        assert told.configuration == f"小主机里的配置文件（{sha256[:8]}）"

    @pytest.mark.parametrize(
        ("reader", "phase", "code", "said"),
        [
            (READER, "staged", None, "第43版已收到，马上开始试用。"),
            (READER, "trial", None, "13:05开始试用，有东西用不了，会自动换回原来的设置。"),
            (READER, "committed", None, "第43版从13:05起生效。"),
            (READER, "rejected", "invalid_config", "第43版没有采用（13:05）：里面有错误。"),
            (READER, "rolled_back", "hung", "第43版试用时小主机卡住了，已自动换回原来的设置（13:05）。"),
            (ENGLISH, "rejected", "not_newer", "Version 43 was not taken (13:05): the box already has newer ones."),
            (ENGLISH, "verified", None, ""),
        ],
    )
    async def test_what_has_become_of_a_push(
        self, page: Page, reader: Reader, phase: str, code: str | None, said: str
    ) -> None:
        now = Moment(1_763_787_600_000, 0, "boot", TimeQuality.SYNCED)  # 2025-11-22 13:00 in Shanghai
        sources = pushed(page, Desired(43), phase, code, "2025-11-22T05:05:00Z")
        told = box(sources, reader, now)
        came_to_nothing = phase in ("rejected", "rolled_back")
        assert (told.configuration_note, told.configuration_news) == ((said, "") if came_to_nothing else ("", said))
        running = {"zh": "总部下发的第42版（abcdef01）", "en": "Head office's, version 42 (abcdef01)"}
        assert told.configuration == running[reader.language]

    async def test_a_push_of_strangers_has_no_version(self, page: Page) -> None:
        now = Moment(1_763_787_600_000, 0, "boot", TimeQuality.SYNCED)
        sources = pushed(page, Desired(None), "rejected", "bad_signature", "2025-11-21T05:05:00Z")
        assert box(sources, ENGLISH, now).configuration_note == (
            "Settings came that were not taken (yesterday 13:05): "
            "the box could not tell that they are from head office."
        )

    async def test_a_clock_that_nobody_has_set(self, page: Page) -> None:
        now = replace(page.shop.clock.now(), quality=TimeQuality.UNSYNCED)
        assert box(page.sources, READER, now).clock_note == "时间还没有校准，订单时间可能不准。"

    async def test_a_clock_that_has_jumped_is_told_of_for_a_day(self, page: Page) -> None:
        now = page.shop.clock.now()
        page.shop.clock.last_step = Step(now, -3 * 60_000)
        assert box(page.sources, READER, now).clock_note.endswith("拨慢了约3分钟。")
        page.shop.clock.last_step = Step(now, 3 * 60_000)
        assert box(page.sources, ENGLISH, now).clock_note.startswith("Set forward by about 3 minutes at ")
        assert box(page.sources, READER, later(now, 25 * 3_600_000)).clock_note == ""

    async def test_running_since_is_right_though_the_clock_was_not(self, page: Page) -> None:
        now = page.shop.clock.now()
        ten = 10 * 60_000
        page.shop.clock.started_ms = now.uptime_ms - ten
        said = box(page.sources, READER, now).running_since
        assert said == box(page.sources, READER, later(now, 60_000)).running_since

    async def test_a_pause_of_presence(self, page: Page) -> None:
        now = page.shop.clock.now()
        page.shop.generation.shop.people.pause(now)
        assert box(page.sources, READER, now).presence_pause.startswith("已暂停到")


def later(now: Moment, ms: int) -> Moment:
    return replace(now, wall_ms=now.wall_ms + ms, uptime_ms=now.uptime_ms + ms)


async def test_only_the_manager_is_told_amounts(page: Page) -> None:
    await page.record(receipt(sale()))
    plain = await status.document(page.sources, READER)
    full = await status.document(page.sources, MANAGER)
    assert "payable" not in str(plain)
    today = full["today"]
    assert isinstance(today, dict)
    assert (today["payable"], today["currency"], today["day_proof"]["payable"]) == (1600, "CNY", 1600)


async def test_head_office_is_sent_the_words_of_every_language(page: Page) -> None:
    message = await status.health_message(page.sources)
    words = message["words"]
    assert isinstance(words, dict)
    assert words["zh"] == {"headline": message["headline"], "steps": message["steps"]}
    for language in ("zh", "en"):
        document = await status.document(page.sources, Reader(language))
        assert words[language] == {"headline": document["headline"], "steps": document["steps"]}
    assert words["zh"]["headline"] != words["en"]["headline"]
    assert "payable" not in str(message)


async def test_the_document_says_what_is_retained_of_the_last_push(page: Page) -> None:
    at = "2025-11-22T05:05:00Z"
    sources = pushed(page, Desired(43), "rolled_back", "crashed", at)
    own = {"version": 42, "sha256": "abcdef0123456789"}
    expected = {
        "running": own, "last_known_good": own, "desired": {"version": 43}, "phase": "rolled_back", "code": "crashed",
        "detail": None, "at": at,
    }  # fmt: skip
    assert (await status.document(sources, READER))["config"] == expected
    assert (await status.health_message(sources))["config"] == expected


async def test_the_metrics_say_which_config_runs_and_whether_on_trial(page: Page) -> None:
    def told(sources: Sources) -> list[str]:
        return [line for line in metrics.text(sources).decode().splitlines() if line.startswith("edge_agent_config_")]

    assert told(page.sources) == ["edge_agent_config_version 0.0", "edge_agent_config_on_trial 0.0"]
    tried = pushed(page, Desired(42), "trial", None, "2025-11-22T05:05:00Z")
    assert told(tried) == ["edge_agent_config_version 42.0", "edge_agent_config_on_trial 1.0"]
