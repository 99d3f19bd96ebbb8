"""Every condition that the code can report has its sentence and its steps."""

import re
from pathlib import Path

import pytest

import edge_agent
from edge_agent.clock import Clock
from edge_agent.health import Condition, Level, Reported
from edge_agent.page import advice
from edge_agent.uplink import reasons

SOURCES = Path(edge_agent.__file__).parent
NAMES = {"device/till": "1号收银小票"}


def device_reasons() -> set[str]:
    """Return the reasons named in the devices' sources, as health shows them."""
    named = (r'\("(\w+)", "[^"]+"\),', r'DeviceState\("degraded", "(\w+)"', r'\.(?:noted|down)\("(\w+)"')
    patterns = (r'DeviceError\("(\w+)"', *named)
    sources = [*(SOURCES / "devices").glob("*.py"), SOURCES / "serial_port.py"]
    text = "".join(path.read_text("utf-8") for path in sources)
    found = {reason for pattern in patterns for reason in re.findall(pattern, text)}
    assert {"missing", "busy", "permission", "unplugged", "unreadable", "flooding", "refused"} <= found
    return found | {"crashed", "failed", "ended"}  # the supervisor's own


def storage_codes() -> set[str]:
    text = "".join(path.read_text("utf-8") for path in (SOURCES / "storage").glob("*.py"))
    return set(re.findall(r'Condition\("(\w+)"', text))


def reported(code: str, part: str = "device/till", level: Level = Level.ACTION) -> Reported:
    return Reported(part, Condition(code, level, "the detail"), Clock().now())


def test_every_condition_has_advice() -> None:
    codes = {f"device_{reason}" for reason in device_reasons()} | storage_codes()
    codes |= {reason.code for reason in reasons._BY_NUMBER.values()} | set(reasons._BY_CODE)
    assert codes - advice.TABLE.keys() == set()


@pytest.mark.parametrize("code", advice.TABLE)
def test_advice_is_a_sentence_and_steps_a_person_can_take(code: str) -> None:
    sentence = advice.headline([reported(code)], NAMES)
    assert sentence.endswith((".", ";"))
    assert "{" not in sentence
    steps = advice.steps([reported(code)], "400-000-0000", 3)
    assert 1 <= len(steps) <= 3
    assert all("  " not in step and step.endswith(".") for step in steps)


def test_the_worst_condition_is_the_headline_and_steps_come_once() -> None:
    found = [reported("device_missing"), reported("device_unplugged", "device/other"), reported("refused", "link")]
    assert advice.headline(found, NAMES) == "1号收银小票 is not there."
    assert advice.headline([], NAMES) == advice.GOOD
    steps = advice.steps(found, "", 10)
    assert len(steps) == len(set(steps))
    assert advice.steps(found, "", 2) == steps[:2]


def test_an_unknown_code_shows_its_own_detail() -> None:
    unknown = reported("device_haunted")
    assert advice.headline([unknown], NAMES) == "the detail"
    assert advice.steps([unknown], "400-1", 3) == ["Call support and read this message to them. Telephone: 400-1."]
