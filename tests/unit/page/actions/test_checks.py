"""What a check makes of what a device says, in words of both languages; and that it only listens."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.clock import Moment, TimeQuality
from edge_agent.config.devices import BleSettings, DeviceSettings, SerialSettings
from edge_agent.devices.status import Status
from edge_agent.generation import RunningDevice
from edge_agent.generation.activity import Activity
from edge_agent.generation.heard import noted
from edge_agent.observations import (
    Advertisement,
    DisplayText,
    Observation,
    Payment,
    Receipt,
    Record,
    Scan,
    TagRead,
    Undecoded,
    Weight,
)
from edge_agent.page.actions import checks
from edge_agent.page.actions.checks import Check, Checks
from edge_agent.page.actions.listening import Finding, Tap, found, kind_of, waiting
from edge_agent.page.sources import Reader
from edge_agent.page.words import LANGUAGES, words
from edge_agent.shop.outcome import Outcome, Signal
from tests.support.generation import configure
from tests.support.page import Page, served
from tests.support.slips import Book, receipt, sale
from tests.support.storage import until

AT = Moment(1_795_305_600_000, 3_600_000, "boot-1", TimeQuality.SYNCED)
TILL = "till-1-printer"
MANAGER = Reader("en", is_manager=True)
DECODERS = {
    "escpos": "receipt", "lines": "receipt", "scanner": "code", "scale": "scale", "linedisplay": "display",
    "ecr": "payment",
}  # fmt: skip
NOTHING = Outcome()


@pytest.fixture
def line(tmp_path: Path) -> RunningDevice:
    config = configure(tmp_path)
    return device(config.store.devices[0])


def device(settings: DeviceSettings) -> RunningDevice:
    """Return a device that works and has said nothing."""

    class Silent:
        name = settings.id
        status = Status(lambda state: None, None)  # type: ignore[arg-type]  # never asked for the time

    running = RunningDevice(settings, AT, Activity({}, [settings.id]))
    running.device = Silent()  # type: ignore[assignment]  # all a check looks at
    running.state = "up"
    return running


def say(running: RunningDevice, *observations: Observation, outcome: Outcome = NOTHING) -> None:
    """Have a device say something, as the generation notes it."""
    assert running.device is not None
    running.device.status.last_data = AT
    for observation in observations:
        running.heard.update(noted(observation, outcome))
        if isinstance(observation, Undecoded):
            running.undecoded[observation.reason] += len(observation.data)


def tap(running: RunningDevice) -> Tap:
    return Tap.on(running, AT.uptime_ms)


NOISE = Undecoded(bytes(100), "noise")


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ((), Finding("waiting", "receipt.waiting")),
        ((receipt("一张单子"),), Finding("passed", "found.slip")),
        ((Record({}, b"{}"),), Finding("passed", "found.slip")),
        ((receipt("", flags=("image_only",)),), Finding("failed", "found.textless")),
        ((receipt("", flags=("image_only",)), receipt("一张单子")), Finding("passed", "found.slip")),
        ((Scan("6901234567892"),), Finding("passed", "found.code")),
        ((Weight("1.2", "kg", stable=True),), Finding("passed", "found.weight")),
        ((DisplayText(("16.00",)),), Finding("passed", "found.display")),
        ((Payment("approved"),), Finding("passed", "found.payment")),
        ((NOISE,), Finding("arriving", "found.arriving")),
        ((NOISE, receipt("@#$%&")), Finding("arriving", "found.arriving")),
        ((NOISE, Weight("1.2", "kg", stable=True)), Finding("arriving", "found.arriving")),
        ((Undecoded(bytes(100), "printer"), receipt("一张单子")), Finding("passed", "found.slip")),
        ((NOISE, receipt("一张单子\n" * 300)), Finding("passed", "found.slip")),
    ],
)
def test_what_a_line_says(line: RunningDevice, said: tuple[Observation, ...], finding: Finding) -> None:
    listening = tap(line)
    if said:
        say(line, *said)
    assert found(listening, is_over=False) == finding


def test_an_order_is_called_one(line: RunningDevice) -> None:
    book = Book()
    listening = tap(line)
    say(line, receipt(sale()), outcome=book.shop.observe(TILL, receipt(sale()), AT))
    assert found(listening, is_over=False) == Finding("passed", "found.order")


def test_a_slip_that_is_no_order_is_not(line: RunningDevice) -> None:
    book = Book()
    listening = tap(line)
    say(line, receipt("打印测试"), outcome=book.shop.observe(TILL, receipt("打印测试"), AT))
    assert found(listening, is_over=False) == Finding("passed", "found.slip")


def test_at_the_end_it_says_what_to_look_at(line: RunningDevice) -> None:
    listening = tap(line)
    assert found(listening, is_over=True) == Finding("failed", "receipt.nothing")
    line.state = "down"
    assert found(listening, is_over=True) == Finding("failed", "found.down")
    say(line, NOISE)
    assert found(listening, is_over=True) == Finding("failed", "found.meaningless")


def test_what_was_said_before_proves_nothing(line: RunningDevice) -> None:
    say(line, receipt("一张单子"), NOISE)
    assert found(Tap.on(line, AT.uptime_ms + 1), is_over=True) == Finding("failed", "receipt.nothing")


READ = TagRead("type2", b"\x04\x11\x22\x33")


@pytest.mark.parametrize(("accepted", "text"), [(True, "found.tag"), (False, "found.refused")])
def test_a_reader_passes_with_any_card(accepted: bool, text: str) -> None:
    from tests.support.nfc import settings

    reader = device(settings(Path("/dev/nfc")))
    listening = tap(reader)
    assert found(listening, is_over=False) == Finding("waiting", "reader.waiting")
    say(reader, READ, outcome=Outcome(effects=(Signal("till-1-nfc", accepted),)))
    assert found(listening, is_over=False) == Finding("passed", text)
    assert found(tap(reader), is_over=True) == Finding("failed", "reader.nothing")


def test_advertisements_are_not_counted_one_by_one() -> None:
    assert noted(Advertisement("AA:BB:CC:DD:EE:FF", -60, 1), Outcome()) == {}


@pytest.mark.parametrize(("decoder", "kind"), DECODERS.items())
def test_each_line_is_asked_for_what_it_can_say(decoder: str, kind: str) -> None:
    settings = SerialSettings.model_construct(port="x", id="line", kind="serial", touchpoint="till-1", decoder=decoder)
    assert kind_of(settings) == kind
    assert waiting(settings) == Finding("waiting", f"{kind}.waiting")


def test_what_only_listens_to_the_air_cannot_be_checked() -> None:
    assert kind_of(BleSettings(id="door", kind="ble", touchpoint="door")) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_its_words(language: str) -> None:
    table = words(language).table("checks")
    for kind in ("reader", *DECODERS.values()):
        assert {f"{kind}.waiting", f"{kind}.nothing"} <= table.keys()
    told = {"tag", "refused", "order", "slip", "textless", "code", "weight", "display", "payment", "arriving"}
    assert {f"found.{what}" for what in told | {"meaningless", "down"}} <= table.keys()
    assert all("{name}" in text or "{wrong}" in text for text in table.values())


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with served(configure(tmp_path)) as found:
        yield found


async def test_it_counts_down_and_says_so_once_a_second(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SECONDS", 2.0)
    async with asyncio.TaskGroup() as group:
        all_checks, told = Checks(page.sources, group), list[int]()
        all_checks.on_changed.append(lambda: told.append(all_checks.section(MANAGER)[0].seconds_left))
        all_checks.start(TILL)
        assert all_checks.section(Reader("en")) == (), "whoever has no code sees none"
        (check,) = all_checks.section(MANAGER)
        assert (check.device, check.state, check.seconds_left) == (TILL, "waiting", 2)
    assert (told[0], told[-1]) == (2, 0)
    assert told == sorted(set(told), reverse=True), "each second once"
    (check,) = all_checks.section(Reader("zh", is_manager=True))
    assert (check.state, check.seconds_left) == ("failed", 0)


async def test_a_defect_in_a_check_ends_the_check_and_nothing_else(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(tap: Tap, *, is_over: bool) -> Finding:
        raise ZeroDivisionError

    monkeypatch.setattr(checks, "found", defect)
    async with asyncio.TaskGroup() as group:
        running = Checks(page.sources, group)
        running.start(TILL)
        assert len(running.section(MANAGER)) == 1
    assert running.section(MANAGER) == ()


async def test_one_a_device_and_the_next_begins_anew(page: Page) -> None:
    running = page.shop.generation.devices[TILL]
    async with asyncio.TaskGroup() as group:
        all_checks = Checks(page.sources, group)
        for unknown in ("nobody", ""):
            with pytest.raises(KeyError):
                all_checks.start(unknown)
        all_checks.start(TILL)
        all_checks.start(TILL)
        assert len(all_checks.section(MANAGER)) == 1
        running.heard.update(noted(receipt("一张单子"), Outcome()))
        await until(lambda: all_checks.section(MANAGER)[0].state == "passed")
        all_checks.start(TILL)
        (check,) = all_checks.section(MANAGER)
        assert isinstance(check, Check)
        assert (check.state, check.seconds_left) == ("waiting", 30)
        all_checks.stop()


def test_a_receipt_that_came_twice_over_is_no_less_a_receipt(line: RunningDevice) -> None:
    listening = tap(line)
    say(line, Receipt(("一张单子",), b"x" * 50), Receipt(("一张单子",), b"x" * 50))
    assert found(listening, is_over=False) == Finding("passed", "found.slip")
