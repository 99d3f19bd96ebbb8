"""The conformance profile: every section says what can be shown here, and claims nothing else."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.contract.remote import ConfigId, Reported
from edge_agent.devices.status import DeviceState
from edge_agent.health import Condition, Level
from edge_agent.observations import Receipt
from edge_agent.page.sections.profile import Section, profile
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.words import LANGUAGES
from edge_agent.simulator.virtual_store import AGENT_TOML, STORE_TOML
from tests.support.generation import configure
from tests.support.slips import receipt, sale
from tests.support.sources import sources

NO_DEVICES = STORE_TOML.partition("[[device]]")[0]
SCANNER = STORE_TOML.replace('decoder = "escpos"\nencoding = "gb18030"', 'decoder = "scanner"')
TWO_TILLS = STORE_TOML + STORE_TOML[STORE_TOML.index("[[device]]") :].replace(
    "till-1-printer", "till-2-printer"
).replace('port = "till-1"', 'port = "till-2"')
LATER = {"2": "not_configured", "4": "not_configured", "6": "not_configured", "10": "not_configured"}


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Sources]:
    async with sources(configure(tmp_path)) as found:
        yield found


def sections(page: Sources, language: str = "en") -> dict[str, Section]:
    return {section.number: section for section in profile(page, Reader(language), page.clock.now())}


def states(page: Sources) -> dict[str, str]:
    """Return the states of the sections that this version has parts for."""
    found = {number: section.state for number, section in sections(page).items()}
    assert LATER.items() <= found.items()
    return {number: state for number, state in found.items() if number not in LATER}


def report(page: Sources, state: DeviceState, device: str = "till-1-printer") -> None:
    page.generation._report(page.generation.devices[device], state)


async def sell(page: Sources, slip: Receipt | None = None) -> None:
    """Have the till print a sale that is dated by its arrival."""
    said = slip or receipt(sale(printed=None))
    await page.storage.commit(page.generation.shop.observe("till-1-printer", said, page.clock.now()))


async def test_ten_sections_in_order_each_with_a_title_and_a_reason(page: Sources) -> None:
    for language in LANGUAGES:
        found = sections(page, language)
        assert list(found) == [str(number) for number in range(1, 11)]
        for section in found.values():
            assert section.title
            assert section.state_word
            assert section.why.endswith("。" if language == "zh" else ".")
        assert len({section.title for section in found.values()}) == 10


async def test_a_store_of_no_devices_claims_nothing_but_its_form_of_data_and_its_own_running(tmp_path: Path) -> None:
    async with sources(configure(tmp_path, store=NO_DEVICES)) as page:
        assert states(page) == {
            "1": "not_configured", "3": "not_configured", "5": "not_configured", "7": "not_configured",
            "8": "working", "9": "working",
        }  # fmt: skip
        assert sections(page)["7"].why == "No device is configured."
        assert sections(page)["5"].why == "No line to a register is configured."


async def test_a_scanner_is_a_touchpoint_but_no_source_of_orders(tmp_path: Path) -> None:
    async with sources(configure(tmp_path, store=SCANNER)) as page:
        report(page, DeviceState("up"))
        assert states(page)["7"] == "working"
        assert {states(page)[number] for number in ("1", "3", "5")} == {"not_configured"}
        assert sections(page)["5"].why == "No line to a register is configured."


async def test_a_line_is_not_taken_to_work_before_an_order_came_over_it(page: Sources) -> None:
    assert states(page)["7"] == "not_configured", "its devices are starting"
    report(page, DeviceState("up"))
    assert states(page) == {
        "1": "not_configured", "3": "not_configured", "5": "not_configured", "7": "working", "8": "working",
        "9": "working",
    }  # fmt: skip
    await sell(page)
    assert set(states(page).values()) == {"working"}


async def test_payment_needs_a_means_of_payment(page: Sources) -> None:
    report(page, DeviceState("up"))
    without = "\n".join(row for row in sale(printed=None).split("\n") if not any(word in row for word in PAID))
    await sell(page, receipt(without))
    assert (states(page)["5"], states(page)["3"]) == ("working", "not_configured")
    assert sections(page)["3"].why == "No means of payment has been read lately."


PAID = ("现金", "实收", "找零", "收款")


async def test_a_day_that_differs_fails_payment_and_orders_alone(page: Sources) -> None:
    report(page, DeviceState("up"))
    await sell(page)
    page.health.report("day/central", Condition("day_differs", Level.ATTENTION, "2026-11-22, 03: 1, 2"))
    assert {number for number, state in states(page).items() if state == "failing"} == {"3", "5"}
    assert sections(page)["3"].why == sections(page)["5"].why
    assert "Head office" in sections(page)["3"].why


async def test_a_line_that_is_down_fails_orders_and_the_store_and_the_last_one_the_mode(tmp_path: Path) -> None:
    async with sources(configure(tmp_path, store=TWO_TILLS)) as page:
        report(page, DeviceState("up"))
        report(page, DeviceState("up"), "till-2-printer")
        await sell(page)
        report(page, DeviceState("down", "unplugged"))
        assert {number for number, state in states(page).items() if state == "failing"} == {"5", "7"}
        assert sections(page)["7"].why.startswith("1号收银小票 has been unplugged since")
        report(page, DeviceState("down", "missing"), "till-2-printer")
        assert {number for number, state in states(page).items() if state == "failing"} == {"1", "5", "7"}


async def test_receipts_that_look_different_fail_orders(page: Sources) -> None:
    report(page, DeviceState("up"))
    await sell(page)
    page.health.report("layout/till-1-printer", Condition("layout_changed", Level.ATTENTION))
    assert {number for number, state in states(page).items() if state == "failing"} == {"5"}


@pytest.mark.parametrize(("part", "code"), [("storage", "disk_full"), ("link", "bad_credentials")])
async def test_what_needs_action_on_the_box_itself_fails_its_running(page: Sources, part: str, code: str) -> None:
    page.health.report(part, Condition(code, Level.ATTENTION))
    assert states(page)["9"] == "working"
    page.health.report(part, Condition(code, Level.ACTION))
    assert states(page)["9"] == "failing"


async def test_settings_of_head_office_are_tried_out(page: Sources, tmp_path: Path) -> None:
    assert sections(page)["9"].why == "The configuration was checked, and every part of the box is running."
    own = ConfigId(3, "abc")
    tried = replace(page, reported=lambda: Reported(running=own, last_known_good=own, phase="trial"))
    assert sections(tried)["9"].state == "working"
    assert "being tried out" in sections(tried)["9"].why
    key = base64.b64encode(bytes(range(32))).decode()
    trust = f'\n[[trust.keys]]\nid = "ops-1"\nkey = "{key}"\nroles = ["config"]\n'
    (tmp_path / "managed").mkdir()
    async with sources(configure(tmp_path / "managed", AGENT_TOML + trust)) as managed:
        assert "tried out first" in sections(managed)["9"].why


async def test_a_part_that_has_stalled_fails_its_running(page: Sources) -> None:
    page.health.progress("sync", within_ms=-1)
    assert (states(page)["9"], sections(page)["9"].why) == (
        "failing",
        "A part of the box has stopped moving; it is being waited for.",
    )
