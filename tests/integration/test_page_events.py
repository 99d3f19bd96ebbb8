"""The live events: everything at first, then what changes, to many readers, of whom some are slow or gone."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp
import pytest

from edge_agent.health import Condition, Level
from edge_agent.page import feed
from edge_agent.page.sections import proof
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.view import View
from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.broker import until
from tests.support.events import Stream, streaming
from tests.support.generation import configure
from tests.support.lan import own_address
from tests.support.page import Page, served
from tests.support.slips import receipt, sale

SECTIONS = {
    "hero", "proof", "link", "devices", "today", "recent", "unread", "box", "profile", "checks", "manager"
}  # fmt: skip
SECRET = "王芳 16.00"
GONE = Condition("device_missing", Level.ACTION, "1号收银小票: /dev/x: is it plugged in?")


@pytest.fixture(autouse=True)
def no_runtime_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with served(configure(tmp_path)) as found:
        yield found


def complete(stream: Stream) -> bool:
    return stream.sections.keys() >= SECTIONS


async def test_a_reader_gets_everything_first(page: Page) -> None:
    async with streaming(page.url, **{"Accept-Language": "zh-CN"}) as stream:
        await stream.until(lambda: complete(stream))
        assert stream.order[0] == "hello"
        assert set(stream.sections["hello"]) == {"assets", "version"}
        assert stream.response.headers["Content-Type"] == "text/event-stream"
        assert stream.response.headers["X-Accel-Buffering"] == "no"
        assert [name for name in SECTIONS if "failed" in stream.sections[name]] == []
        assert stream.sections["proof"]["today"]["sentence"] == "今天还没有订单"


async def test_a_failing_device_is_on_every_page_without_a_reload(page: Page) -> None:
    async with (
        streaming(page.url, **{"Accept-Language": "zh"}) as chinese,
        streaming(page.url, **{"Accept-Language": "en"}) as english,
    ):
        for stream in (chinese, english):
            await stream.until(lambda stream=stream: complete(stream))  # type: ignore[misc]  # mypy: lambda's default
        loop = asyncio.get_running_loop()
        since = loop.time()
        page.shop.health.report("device/till-1-printer", GONE)
        for stream in (chinese, english):
            await stream.until(lambda stream=stream: stream.sections["hero"]["level"] == "action")  # type: ignore[misc]  # mypy: defaults are not inferred
        took = loop.time() - since
        assert took < 2.0
        assert chinese.sections["hero"]["sentence"] != english.sections["hero"]["sentence"]


async def test_only_what_changed_is_sent(page: Page) -> None:
    async with streaming(page.url) as stream:
        await stream.until(lambda: complete(stream))
        before = stream.heard.copy()
        await page.record(receipt(sale()))
        changed = {"proof", "today", "recent", "link"}
        await stream.until(lambda: all(stream.heard[name] > before[name] for name in changed))
        assert stream.sections["proof"]["today"]["sentence"].startswith("今天1单")
        unchanged = {"hero", "manager", "checks", "unread"}
        assert [name for name in unchanged if stream.heard[name] > before[name]] == []


async def test_a_burst_of_orders_is_made_into_a_page_once_a_second(page: Page) -> None:
    async with streaming(page.url) as first, streaming(page.url) as second:
        for stream in (first, second):
            await stream.until(lambda stream=stream: complete(stream))  # type: ignore[misc]  # mypy: defaults are not inferred
        before = first.heard["proof"]
        loop = asyncio.get_running_loop()
        since = loop.time()
        for number in range(60):
            await page.record(receipt(sale().replace("20261122", f"2026{number:04}")))
        await first.until(lambda: first.heard["proof"] > before)
        orders = page.shop.generation.shop.counts(page.shop.clock.now()).orders
        for stream in (first, second):
            await stream.until(lambda stream=stream: f"今天{orders}单" in stream.sections["proof"]["today"]["sentence"])  # type: ignore[misc]  # mypy: defaults are not inferred
        assert first.heard["proof"] - before <= (loop.time() - since) / feed.EVERY_S + 2


async def test_nothing_is_made_while_nobody_looks(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def noted(sources: Sources, reader: Reader, now: object) -> None:
        made.append(reader)

    monkeypatch.setattr("edge_agent.page.view.proof", noted)
    await page.record(receipt(sale()))
    await asyncio.sleep(0)
    assert made == []
    async with streaming(page.url) as stream:
        await stream.until(lambda: complete(stream))
        assert len(made) == 1


async def test_whoever_comes_later_is_not_told_what_was_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "EVERY_S", 0.0)
    monkeypatch.setattr(feed, "TICK_S", 0.1)  # in which the agent sees that a reader has gone
    feeds: list[feed.Feed] = []

    def noted(sources: Sources, make_view: feed.MakeView) -> feed.Feed:
        feeds.append(feed.Feed(sources, make_view))
        return feeds[0]

    monkeypatch.setattr("edge_agent.page.server.Feed", noted)
    async with served(configure(tmp_path)) as page:
        async with streaming(page.url) as stream:
            await stream.until(lambda: complete(stream))
            assert stream.sections["hero"]["level"] == "ok"
        await until(lambda: not feeds[0]._streams)
        page.shop.health.report("device/till-1-printer", GONE)
        async with streaming(page.url) as stream:
            await stream.until(lambda: complete(stream))
            assert stream.sections["hero"]["level"] == "action"


async def test_a_section_that_fails_takes_no_other_along(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(*_: object) -> proof.Proof:
        raise ValueError(SECRET)

    monkeypatch.setattr("edge_agent.page.view.proof", defective)
    async with streaming(page.url) as stream:
        await stream.until(lambda: complete(stream))
        assert stream.sections["proof"] == {"failed": True}
        assert stream.sections["hero"]["level"] == "ok"
        await page.record(receipt(sale()))
        await stream.until(lambda: stream.heard["today"] > 1)
    failures = [entry for entry in page.log if entry["event"] == "section_failed"]
    assert [entry["section"] for entry in failures] == ["proof"]
    assert SECRET not in json.dumps(failures, ensure_ascii=False)


async def test_a_session_that_ends_takes_the_amounts_from_an_open_page(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "TICK_S", 0.1)
    manager = [True]
    monkeypatch.setattr("edge_agent.page.reading.reader_of", lambda _: Reader("zh", is_manager=manager[0]))
    await page.record(receipt(sale()))
    async with streaming(page.url) as stream:
        await stream.until(lambda: complete(stream))
        assert "¥" in stream.sections["proof"]["today"]["sentence"]
        manager.clear()
        manager.append(False)
        await stream.until(lambda: "¥" not in stream.sections["proof"]["today"]["sentence"])


async def test_a_quiet_shop_says_that_it_is_there(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "TICK_S", 0.05)
    monkeypatch.setattr(feed, "HEARTBEAT_S", 0.1)
    async with streaming(page.url) as stream:
        await stream.until(lambda: complete(stream) and stream.heard["heartbeat"] >= 2)
        assert stream.sections["heartbeat"] is None, "an event without data is an event, unlike a comment"


async def test_a_defect_in_the_making_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "TICK_S", 0.1)
    sections = View.sections
    broken = [True]

    async def defective(view: View, reader: Reader) -> Mapping[str, bytes]:
        if broken:
            raise ValueError(SECRET)
        return await sections(view, reader)

    monkeypatch.setattr(View, "sections", defective)
    async with served(configure(tmp_path)) as fresh, streaming(fresh.url) as stream:
        await stream.until(lambda: "hello" in stream.sections)
        await until(lambda: any(entry["event"] == "part_crashed" for entry in fresh.log))
        broken.clear()
        await stream.until(lambda: complete(stream))
        assert SECRET not in json.dumps(fresh.log, ensure_ascii=False, default=str)


async def test_nobody_asks_for_the_head_of_a_stream(page: Page) -> None:
    async with aiohttp.ClientSession() as session, session.head(page.url + "api/events") as response:
        assert response.status == 405


async def test_a_page_finds_the_agent_again_after_a_restart(tmp_path: Path) -> None:
    config = configure(tmp_path)
    async with served(config) as page, streaming(page.url) as stream:
        await stream.until(lambda: complete(stream))
        hello = stream.sections["hello"]
        await page.record(receipt(sale()))
    assert stream.response.connection is None
    async with served(config) as page, streaming(page.url) as stream:
        await stream.until(lambda: complete(stream))
        assert stream.sections["hello"] == hello, "the same files: no reason to load the page again"
        assert stream.sections["proof"]["today"]["sentence"].startswith("今天1单")


async def test_a_stopping_agent_ends_the_streams_at_once(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with served(configure(tmp_path)) as page:
        opened = streaming(page.url)
        stream = await opened.__aenter__()
        await stream.until(lambda: complete(stream))
        since = loop.time()
    await stream.until(lambda: stream.ended)
    assert loop.time() - since < 1.0, "what is left at the end of aiohttp's patience is killed"
    await opened.__aexit__(None, None, None)


async def test_too_many_streams_are_refused_and_their_places_given_away_again(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_STREAMS", 2)
    async with streaming(page.url) as first, streaming(page.url) as second:
        for stream in (first, second):
            await stream.until(lambda stream=stream: complete(stream))  # type: ignore[misc]  # mypy: defaults are not inferred
        async with aiohttp.ClientSession() as session, session.get(page.url + "api/events") as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
    async with streaming(page.url) as again:
        await again.until(lambda: complete(again))


async def test_the_networks_screens_leave_some_streams_to_the_till(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_STREAMS", 2)
    monkeypatch.setattr(feed, "FOR_LOOPBACK", 1)
    agent = AGENT_TOML.replace('listen = "127.0.0.1:0"', 'listen = "0.0.0.0:0"')
    async with served(configure(tmp_path, agent)) as page:
        port = page.url.rstrip("/").rpartition(":")[2]
        network, till = f"http://{own_address()}:{port}/", f"http://127.0.0.1:{port}/"
        monkeypatch.setattr(feed, "address_of", lambda request: request.remote)  # here both ends have one address
        async with streaming(network) as first:
            await first.until(lambda: complete(first))
            async with aiohttp.ClientSession() as session, session.get(network + "api/events") as refused:
                assert refused.status == 503
            async with streaming(till) as second:
                await second.until(lambda: complete(second))


async def test_a_slow_reader_holds_up_nobody_and_is_given_the_newest(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reader takes nothing for a while: in between sections change many times; the last of them is what it gets."""
    monkeypatch.setattr(feed, "EVERY_S", 0.01)
    padding = "x" * 200_000  # each sending is larger than all buffers on its way
    rounds = [0]

    def large(*_: object) -> dict[str, object]:
        rounds[0] += 1
        return {"round": rounds[0], "padding": padding}

    monkeypatch.setattr("edge_agent.page.view.proof", large)
    with slow_socket(page) as slow:
        async with streaming(page.url) as quick:
            await quick.until(lambda: complete(quick))
            for _ in range(12):
                before = rounds[0]
                page.shop.health.news()
                await quick.until(lambda before=before: quick.sections["proof"]["round"] > before)  # type: ignore[misc]  # mypy: defaults are not inferred
        last = rounds[0]
        taken = await asyncio.to_thread(take_until, slow, f'"round":{last},'.encode())
    assert taken < 5 * len(padding), "what was overtaken while it waited has not been sent"


async def test_a_reader_that_takes_nothing_gives_its_place_away(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_STREAMS", 1)
    monkeypatch.setattr(feed, "TAKES_S", 0.3)
    monkeypatch.setattr("edge_agent.page.view.proof", lambda *_: {"padding": "x" * 8_000_000})
    with slow_socket(page):
        await until_async(lambda: is_refused(page))
        await until_async(lambda: is_refused(page), meant=False)


def slow_socket(page: Page) -> socket.socket:
    """Return a connection that has asked for the events and reads nothing."""
    host, port = page.url.removeprefix("http://").rstrip("/").split(":")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((host, int(port)))
    slow.sendall(f"GET /api/events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    return slow


def take_until(slow: socket.socket, wanted: bytes) -> int:
    """Read until the bytes come; return how many came in all."""
    slow.settimeout(20)
    taken, tail = 0, b""
    while wanted not in tail:
        chunk = slow.recv(65536)
        assert chunk, "the stream has ended"
        taken += len(chunk)
        tail = (tail + chunk)[-70_000:]
    return taken


async def is_refused(page: Page) -> bool:
    async with aiohttp.ClientSession() as session, session.get(page.url + "api/events") as response:
        return response.status == 503


async def until_async(condition: Callable[[], Awaitable[bool]], *, meant: bool = True) -> None:
    async with asyncio.timeout(20):
        while await condition() is not meant:
            await asyncio.sleep(0.05)
