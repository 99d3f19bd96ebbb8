"""The headline over real parts: level, sentence, steps, whom to call."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.devices.status import DeviceState
from edge_agent.health import Condition, Level
from edge_agent.page.sections.hero import hero
from edge_agent.page.sources import Reader, Sources
from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.generation import configure
from tests.support.sources import sources

ZH, EN = Reader("zh"), Reader("en")
PHONE = 'support_phone = "400-000-0000"\n'


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Sources]:
    async with sources(configure(tmp_path, agent=AGENT_TOML + PHONE)) as found:
        yield found


def report(page: Sources, state: DeviceState) -> None:
    page.generation._report(page.generation.devices["till-1-printer"], state)


async def test_while_nothing_is_known_to_be_wrong_it_does_not_claim_that_all_works(page: Sources) -> None:
    assert (hero(page, EN).level, hero(page, EN).word) == ("ok", "All good")
    assert hero(page, EN).sentence == "Connecting to the devices and to head office."
    report(page, DeviceState("up"))
    assert hero(page, EN).sentence.startswith("Connecting"), "head office is not connected"
    page.sync.connected = True
    assert hero(page, EN).sentence == "Every device works, and orders reach head office."
    assert hero(page, ZH).sentence == "设备都正常，订单都能传到总部。"
    assert (hero(page, ZH).steps, hero(page, ZH).others) == ((), "")


async def test_a_device_that_fails_is_the_headline_by_its_name_and_time(page: Sources) -> None:
    report(page, DeviceState("down", "unplugged", "/dev/ttyUSB0: gone"))
    chinese, english = hero(page, ZH), hero(page, EN)
    assert (chinese.level, chinese.word, english.word) == ("action", "需要处理", "Action needed")
    assert re.fullmatch(r"1号收银小票的线从\d\d:\d\d起被拔掉了。", chinese.sentence)
    assert re.fullmatch(r"1号收银小票 has been unplugged since \d\d:\d\d\.", english.sentence)
    assert len(chinese.steps) == len(english.steps) == 3
    assert english.steps[-1].endswith("Phone 400-000-0000, store id sh-0001.")
    assert (english.support, english.store_id, english.store_name) == ("400-000-0000", "sh-0001", "人民广场店")


async def test_how_many_more_things_are_wrong(page: Sources) -> None:
    page.health.report("link", Condition("timeout", Level.ATTENTION))
    assert (hero(page, ZH).level, hero(page, ZH).word) == ("attention", "需要留意")
    assert (hero(page, ZH).others, hero(page, EN).others) == ("", "")
    report(page, DeviceState("down", "missing"))
    assert (hero(page, ZH).others, hero(page, EN).others) == ("另有1个问题。", "There is one more problem.")
    page.health.report("storage", Condition("disk_low", Level.ATTENTION))
    assert (hero(page, ZH).others, hero(page, EN).others) == ("另有2个问题。", "There are 2 more problems.")
