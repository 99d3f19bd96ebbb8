"""What a manager does on the page, over real HTTP: on a real line, a real reader's protocol, a real disk."""

import asyncio
import csv
import io
import json
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from edge_agent.contract.events import Stream
from edge_agent.page.actions import checks, diagnostics
from edge_agent.page.language import box_language
from edge_agent.page.sources import Reader
from edge_agent.shop.pause import LENGTH_MS
from edge_agent.simulator.virtual_store import PEOPLE_TOML, SDM_KEYS, STORE_TOML, TOKENS_TOML
from tests.support.generation import configure
from tests.support.manager import Manager, signed_in
from tests.support.page import Page, served
from tests.support.pn532 import reader
from tests.support.pty import Cable
from tests.support.slips import receipt, sale
from tests.support.storage import of, order, until

MANAGER = Reader("en", is_manager=True)
TILL, READER, RADIO = "till-1-printer", "till-1-nfc", "door-ble"


@pytest.fixture(autouse=True)
def no_runtime_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    """The page of a shop whose devices stand still."""
    async with served(configure(tmp_path)) as found:
        yield found


@pytest.fixture
async def manager(page: Page) -> AsyncIterator[Manager]:
    async with signed_in(page) as manager:
        yield manager


def audit(page: Page) -> list[tuple[str, str, str]]:
    """Return what was done, how it ended and with what, without the way in."""
    lines = [entry for entry in page.log if entry["event"] == "audit" and entry["what"] not in ("pairing", "pair")]
    return [(entry["what"], entry["outcome"], entry["detail"]) for entry in lines]


def printed(text: str) -> bytes:
    return b"\x1b@\x1c&" + text.replace("\n", "\r\n").encode("gb18030") + b"\x1dV\x42\x00"


async def states(manager: Manager) -> list[tuple[str, str]]:
    """Return state and sentence of the newest check as they followed each other, until it has ended."""
    seen: list[tuple[str, str]] = []
    async for section in manager.section("checks"):
        if not section:
            continue
        now = section[0]["state"], section[0]["sentence"]
        if not seen or seen[-1] != now:
            seen.append(now)
        if section[0]["seconds_left"] == 0:
            break
    return seen


async def test_nothing_without_the_code(page: Page, manager: Manager) -> None:
    for action in ("check", "upload", "presence", "diagnostics", "orders", "language"):
        status, _, _ = await manager.post(action, csrf="guessed")
        assert status == 403, action
    manager.session.cookie_jar.clear()
    for action in ("check", "upload", "presence", "diagnostics", "orders", "language"):
        status, _, body = await manager.post(action)
        assert (status, json.loads(body).keys()) == (403, {"error", "sentence"}), action
    assert {outcome for _, outcome, _ in audit(page)} <= {"refused"}


async def test_a_body_that_is_something_else(page: Page, manager: Manager) -> None:
    bodies = [
        ("check", b"{}"),
        ("check", b'{"device": 5}'),
        ("check", b"\xff{"),
        ("check", b'["till-1-printer"]'),
        ("presence", b'{"paused": "yes"}'),
        ("presence", b'{"paused": true, "hours": 24}'),
        ("language", b'{"language": "fr"}'),
        ("orders", b'{"day": 5}'),
        ("orders", b'{"day": "../../etc/passwd"}'),
    ]
    for action, body in bodies:
        status, _, answer = await manager.post(action, raw=body)
        assert (status, json.loads(answer)["error"]) == (400, "body"), body
    assert audit(page) == [(action, "refused", "") for action, _ in bodies]


async def test_a_device_that_cannot_be_tested(page: Page, manager: Manager) -> None:
    assert await manager.do("check", device="nobody") == (
        404,
        {"error": "device", "sentence": "This device cannot be tested."},
    )
    assert audit(page) == [("check", "refused", "")]


async def test_a_receipt_proves_a_register_line(tmp_path: Path, cable: Cable) -> None:
    slip = printed(sale())
    seen = {}
    config = configure(tmp_path, store=STORE_TOML + 'idle_end = "1m"\n')
    async with served(config, devices=True) as page, signed_in(page) as manager:
        await until(lambda: page.shop.generation.devices[TILL].state == "up")
        assert await manager.do("check", device=TILL) == (200, {"sentence": "Test started: 30 seconds."})
        async for (check,) in manager.section("checks"):
            if check["state"] == "waiting" and "waiting" not in seen:
                await cable.write(slip[:200])  # as a slow line does: bytes arrive, and mean nothing yet
            if check["state"] == "arriving" and "arriving" not in seen:
                await cable.write(slip[200:])
            seen[check["state"]] = check["sentence"]
            if not check["seconds_left"]:
                break
        assert list(seen) == ["waiting", "arriving", "passed"]
        assert seen["passed"] == "1号收银小票 works: a receipt came and was understood as an order."
        assert page.shop.storage.last(Stream.ORDERS) == 1, "recorded as ever, and once"
        assert audit(page) == [("check", "done", "1号收银小票")]


async def test_noise_on_a_line_is_called_so(tmp_path: Path, cable: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SECONDS", 1.5)
    async with served(configure(tmp_path), devices=True) as page, signed_in(page) as manager:
        await until(lambda: page.shop.generation.devices[TILL].state == "up")
        await manager.do("check", device=TILL)
        await cable.write(bytes(range(0x80, 0x100)) * 4)
        seen = await states(manager)
        assert seen[-1][0] == "failed"
        assert "baud rate" in seen[-1][1]


async def test_silence_on_a_line_is_called_so(tmp_path: Path, cable: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SECONDS", 0.5)
    async with served(configure(tmp_path), devices=True) as page, signed_in(page) as manager:
        await until(lambda: page.shop.generation.devices[TILL].state == "up")
        await manager.do("check", device=TILL)
        seen = await states(manager)
        assert seen[-1][0] == "failed"
        assert seen[-1][1].startswith("Nothing came from 1号收银小票.")


async def test_a_line_that_is_not_there_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SECONDS", 0.5)
    async with served(configure(tmp_path), devices=True) as page, signed_in(page) as manager:
        await until(lambda: page.shop.generation.devices[TILL].reason == "missing")
        await manager.do("check", device=TILL)
        said = (await states(manager))[-1][1]
        assert said.startswith("1号收银小票"), "what health says of it"
        assert said.endswith("then test again.")


async def test_a_card_proves_a_reader(tmp_path: Path) -> None:
    (tmp_path / "sdm-keys.toml").write_text("".join(f'{name} = "{key}"\n' for name, key in SDM_KEYS.items()))
    (tmp_path / "tokens.toml").write_text(TOKENS_TOML)
    config = configure(
        tmp_path, store=STORE_TOML + PEOPLE_TOML.replace('kind = "ble"', 'kind = "ble"\nadapter = "hci9"')
    )
    async with reader(tmp_path) as simulated, served(config, devices=True) as page, signed_in(page) as manager:
        await until(lambda: page.shop.generation.devices[READER].state == "up")
        await manager.do("check", device=READER)
        await manager.do("check", device=READER)  # twice pressed is once begun
        await simulated.put("ntag213", uid="04112233445566", text="nobody's")
        seen = await states(manager)
        assert [state for state, _ in seen][-1] == "passed"
        assert seen[-1][1].startswith("1号读卡器 works")


async def test_upload_without_and_with_head_office(page: Page, manager: Manager) -> None:
    assert await manager.do("upload") == (200, {"sentence": "Connecting to head office …"})
    assert await manager.do("upload", "zh") == (200, {"sentence": "正在连接总部……"})
    page.sources.uplink.connected = True
    assert (await manager.do("upload"))[1]["sentence"] == "Connected to head office. Nothing waits: all is saved there."
    clock = page.shop.clock.now()
    await page.shop.storage.commit(of(order(1, clock), order(2, clock)))
    assert (await manager.do("upload"))[1]["sentence"] == "Connected to head office. Sending 2 events."
    assert audit(page) == [("upload", "done", "")] * 4


async def test_presence_is_paused_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "sdm-keys.toml").write_text("".join(f'{name} = "{key}"\n' for name, key in SDM_KEYS.items()))
    (tmp_path / "tokens.toml").write_text(TOKENS_TOML)
    config = configure(tmp_path, store=STORE_TOML + PEOPLE_TOML)
    async with served(config) as page, signed_in(page) as manager:
        people, clock = page.shop.generation.shop.people, page.shop.clock
        code, answer = await manager.do("presence", paused=True)
        assert (code, answer["sentence"][:41]) == (200, "Visitors are not sensed or counted until ")
        now = clock.now()
        left_ms = (people.paused_until_ms(now) or 0) - now.wall_ms
        assert LENGTH_MS - 60_000 < left_ms <= LENGTH_MS
        assert await manager.do("presence", paused=False) == (200, {"sentence": "Visitors are sensed again."})
        assert people.paused_until_ms(clock.now()) is None
        assert await manager.do("presence", paused=False) == (200, {"sentence": "It was not paused."})
        await manager.do("presence", paused=True)
        assert audit(page)[:2] == [("presence", "done", "pause"), ("presence", "done", "resume")]
    async with served(config) as page:  # as after a kill: the row is all there is
        people = page.shop.generation.shop.people
        assert people.paused_until_ms(page.shop.clock.now()) is not None


async def test_a_shop_without_a_scanner_has_nothing_to_pause(page: Page, manager: Manager) -> None:
    code, answer = await manager.do("presence", paused=True)
    assert (code, answer["error"]) == (409, "no_scanner")


async def test_the_box_speaks_another_language_from_now_on(page: Page, manager: Manager) -> None:
    assert box_language(page.sources) == "zh"
    news: list[str] = []
    with page.shop.health.listening(lambda: news.append(box_language(page.sources))):
        assert await manager.do("language", "zh", language="en") == (200, {"sentence": "This box speaks English now."})
    assert news[-1] == "en", "head office is told in it"
    assert page.shop.storage.state("page") == {"language": b"en"}


async def test_the_orders_of_a_day_come_as_a_table(page: Page, manager: Manager) -> None:
    day = page.shop.generation.shop.counts(page.shop.clock.now()).business_day
    await page.record(receipt(sale(printed=None)))
    for body in ({"day": day}, {}):
        status, headers, table = await manager.post("orders?lang=en", body)
        assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
        assert headers["Content-Disposition"] == f'attachment; filename="sh-0001-orders-{day}.csv"'
        rows = list(csv.reader(io.StringIO(table.decode("utf-8-sig"))))
        assert len(rows) == 2
        assert "20261122000137" in ",".join(rows[1])
    assert audit(page) == [("orders", "done", day)] * 2


async def test_a_day_without_books_is_called_so(page: Page, manager: Manager) -> None:
    code, answer = await manager.do("orders", day="1999-12-31")
    assert (code, answer["error"]) == (404, "day")


async def test_the_diagnostics_come_as_a_file_and_leave_nothing(page: Page, manager: Manager) -> None:
    status, headers, body = await manager.post("diagnostics")
    assert status == 200
    assert headers["Content-Disposition"].startswith('attachment; filename="sh-0001-diagnostics-20')
    assert headers["Content-Disposition"].endswith('.tar.gz"')
    with tarfile.open(fileobj=io.BytesIO(body)) as bundle:
        names = {name.removeprefix("edge-agent-diagnostics/") for name in bundle.getnames()}
        status_json = bundle.extractfile("edge-agent-diagnostics/status.json")
        assert status_json is not None
        assert json.loads(status_json.read())["store"]["id"] == "sh-0001", "asked of this very agent"
    assert {"agent.toml", "store.toml", "doctor.txt", "log.txt"} <= names
    assert not (page.sources.config.agent.agent.state_dir / diagnostics.FOLDER).exists()
    assert audit(page) == [("diagnostics", "done", "")]


async def test_who_goes_in_the_middle_leaves_nothing_either(page: Page, manager: Manager) -> None:
    folder = page.sources.config.agent.agent.state_dir / diagnostics.FOLDER
    async with asyncio.TaskGroup() as group:
        first = group.create_task(manager.post("diagnostics"))
        await until(folder.exists)
        assert (await manager.do("diagnostics"))[0] == 409, "one at a time"
        first.cancel()
    await until(lambda: len(audit(page)) == 2)
    assert not folder.exists()


async def test_diagnostics_that_take_too_long_are_ended(
    page: Page, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.support_bundle.MAKING_S", 0.05)
    code, answer = await manager.do("diagnostics")
    assert (code, answer["error"]) == (504, "slow")
    assert not (page.sources.config.agent.agent.state_dir / diagnostics.FOLDER).exists()
    assert audit(page) == [("diagnostics", "failed", "")]


async def test_diagnostics_that_fail_say_so(page: Page, manager: Manager) -> None:
    page.sources.config.agent_file.unlink()
    code, answer = await manager.do("diagnostics")
    assert (code, answer["error"]) == (500, "diagnostics")
