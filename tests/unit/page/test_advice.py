"""Every condition that the code can report has its sentence and its steps, in both languages."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import edge_agent
from edge_agent.clock import Moment, TimeQuality
from edge_agent.health import Condition, Level, Reported
from edge_agent.page import advice
from edge_agent.page.advice import Situation
from edge_agent.page.words import LANGUAGES, words
from edge_agent.shop import layouts
from edge_agent.uplink import reasons

SOURCES = Path(edge_agent.__file__).parent
ZONE = ZoneInfo("Asia/Shanghai")
NOON = Moment(1_763_787_600_000, 9_000_000, "boot", TimeQuality.SYNCED)  # 2025-11-22 13:00 in Shanghai
EARLIER = Moment(NOON.wall_ms - 80 * 60_000, NOON.uptime_ms - 80 * 60_000, "boot", TimeQuality.SYNCED)  # 11:40

# Codes are literals, so that they can be found; elsewhere they are passed on, and this says from where.
PASSED_ON = {
    ("generation/generation.py", "reason"): set(),  # of what the supervisor has caught
    ("generation/judging.py", "layouts.REASON"): {layouts.REASON},
    ("generation/states.py", "f'device_{state.reason or state.state}'"): set(),  # see device_reasons
    ("uplink/reasons.py", "code"): set(reasons._BY_CODE),
    ("devices/ble/device.py", "trouble.reason"): set(),  # of a DeviceError
    ("devices/nfc/faults.py", "reason"): {"missing", "busy", "permission", "unplugged", "no_reply", "protocol"},
    ("devices/relayed.py", "reason"): set(),  # of noted(…)
    ("devices/relayed.py", "register"): {"missing", "busy", "permission", "refused", "unplugged", "disconnected"},
    ("devices/status.py", "reason"): set(),  # of degraded(…) and down(…)
    ("devices/tcp_listen.py", "reason"): {"busy", "permission", "refused"},
    ("serial_port.py", "reason"): {"missing", "busy", "permission", "refused"},
    ("uplink/link.py", "code_of(code.value)"): {reason.code for reason in reasons._BY_NUMBER.values()},
    ("uplink/link.py", "reason"): {"closed", "no_puback"},
}
NOT_SHOWN = {"starting"}  # a relay's end before it is tried: relayed.py waits for the next word
# Where each of these takes its code.
CALLS = {"Condition": 0, "DeviceError": 0, "LinkError": 0, "DeviceState": 1, "noted": 0, "down": 0, "degraded": 0}
OF_DEVICES = {"DeviceError", "DeviceState", "noted", "down", "degraded"}


def calls() -> Iterator[tuple[str, str, ast.expr]]:
    """Yield every place that names a code: the file, what it makes, the expression."""
    for path in SOURCES.rglob("*.py"):
        file = str(path.relative_to(SOURCES))
        if file.startswith(("shop/", "simulator/")):  # pure, and the others' side: neither reports anything to health
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                given = [*node.args, *(word.value for word in node.keywords if word.arg in {"code", "reason"})]
                if name in CALLS and len(given) > CALLS[name]:
                    yield file, name, given[CALLS[name]]


def found() -> set[str]:
    """Return every code that the sources name."""
    codes = {
        f"device_{reason}" for reason in ("crashed", "failed", "ended", "down", "degraded")
    }  # the supervisor's own
    for file, name, expression in calls():
        match expression:
            case ast.Constant(value=str(code)):
                here = {code} - NOT_SHOWN
            case _ if (file, ast.unparse(expression)) in PASSED_ON:
                here = PASSED_ON[file, ast.unparse(expression)]
            case _ if name == "noted" and file == "generation/generation.py":
                continue  # the rules' own word for what they have seen
            case _:
                pytest.fail(f"{file}: where does {name}({ast.unparse(expression)}) take its code from?")
        codes |= {f"device_{code}" for code in here} if name in OF_DEVICES else here
    return codes


def reported(code: str, part: str = "device/till") -> Reported:
    return Reported(part, Condition(code, Level.ACTION, "the detail"), EARLIER, EARLIER)


def shop(*conditions: Reported, phone: str = "400-000-0000") -> Situation:
    return Situation(conditions, {"till": "1号收银小票"}, {}, NOON, ZONE, phone, "store-0042")


def test_every_condition_has_advice_and_no_advice_is_left_over() -> None:
    codes = found()
    assert {"device_missing", "device_busy", "device_silent", "disk_full", "refused", "day_differs"} <= codes
    assert {"not_confirmed", "page_not_listening", "layout_changed", "bad_credentials", "new_epoch"} <= codes
    for language in LANGUAGES:
        known = set(advice._by_code(language))
        assert codes - known == set()
        assert known - codes == {"other", "other_device", "other_link"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_advice_is_a_sentence_and_steps_a_person_can_take(language: str) -> None:
    end = {"zh": ("。",), "en": (".",)}[language]
    for code in advice.known_codes():
        situation = shop(reported(code))
        texts = [advice.headline(situation, language), *advice.steps(situation, language)]
        assert 2 <= len(texts) <= 1 + advice.MAX_STEPS, code
        for text in texts:
            assert text.endswith((*end, "？", "?")), text
            assert "{" not in text, text
            assert "  " not in text, text
        assert texts[-1].endswith(f"{'店号' if language == 'zh' else 'store id '}store-0042{end[0]}"), code
        assert "400-000-0000" in texts[-1]


def test_steps_are_a_persons_not_a_technicians() -> None:
    """What can only be typed or looked up in a file is not a manager's to do."""
    technical = re.compile(r"systemctl|agent\.toml|TLS|MQTT|D-Bus|broker|ca_file|\bport\b|\bIP\b", re.IGNORECASE)
    for language in LANGUAGES:
        for text in (*words(language).table("condition").values(), *words(language).table("step").values()):
            assert technical.search(text) is None, text


def test_the_worst_condition_is_the_headline_and_its_steps_are_taken() -> None:
    situation = shop(reported("device_no_reply"), reported("refused", "link"))
    assert advice.headline(situation, "zh") == "1号收银小票从11:40起没有响应。"
    assert advice.headline(situation, "en") == "1号收银小票 has not answered since 11:40."
    assert advice.steps(situation, "en") == (
        "Unplug it, wait ten seconds, and plug it in again.",
        "Restart the box: while nobody is paying, press its power button to switch it off, then once more.",
        "Call support and read this message to them. Phone 400-000-0000, store id store-0042.",
    )


def test_without_a_telephone_number_the_store_id_is_given_alone() -> None:
    without = shop(reported("device_permission"), phone="")
    assert advice.steps(without, "zh") == ("打电话给客服，把这条提示念给他们。店号store-0042。",)
    assert advice.steps(without, "en") == ("Call support and read this message to them. Store id store-0042.",)


def test_a_device_has_been_down_for_longer_than_its_present_reason() -> None:
    yesterday = NOON.wall_ms - 19 * 3_600_000
    situation = replace(shop(reported("device_missing")), down_since_ms={"till": yesterday})
    assert advice.headline(situation, "en") == "1号收银小票 has not been found since yesterday 18:00."
    assert advice.headline(situation, "zh") == "1号收银小票从昨天 18:00起找不到了。"


def test_a_lost_link_is_lost_since_it_was_last_there_however_its_cause_changes() -> None:
    lately = replace(reported("timeout", "link"), since=NOON)
    assert advice.headline(shop(lately), "zh") == "从11:40起连不上总部。"
    assert "13:00" in advice.headline(shop(replace(reported("disk_full", "storage"), since=NOON)), "en")


def test_a_moment_before_the_clock_was_set_right_is_told_by_the_right_clock() -> None:
    before = Moment(0, EARLIER.uptime_ms, "boot", TimeQuality.UNSYNCED)  # 1970
    early = replace(reported("disk_full", "storage"), since=before)
    assert "11:40" in advice.headline(shop(early), "en")


def test_a_device_has_its_own_sentence() -> None:
    situation = shop(reported("refused", "link"), reported("layout_changed", "layout/till"), reported("device_hung"))
    assert advice.device_sentence(situation, "till", "en") == "1号收银小票 has been stuck since 11:40."
    assert advice.device_sentence(situation, "other", "en") == ""
    assert advice.headline(shop(reported("layout_changed", "layout/till")), "en").startswith("1号收银小票's receipts")


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("device/till", "1号收银小票 has had a problem since 11:40; its code is haunted."),
        ("link", "The connection to head office has had a problem since 11:40; its code is haunted."),
        ("sync", "The box has had a problem since 11:40; its code is haunted."),
    ],
)
def test_an_unknown_code_is_told_with_the_code_for_support(part: str, sentence: str) -> None:
    assert advice.headline(shop(reported("haunted", part)), "en") == sentence
    assert "haunted" in advice.headline(shop(reported("haunted", part)), "zh")
    assert "store-0042" in advice.steps(shop(reported("haunted", part)), "en")[-1]


def test_all_is_good_only_once_everything_has_said_so() -> None:
    assert advice.headline(shop(), "en") == words("en").say("hero.good")
    assert advice.headline(replace(shop(), settled=False), "en") == words("en").say("hero.connecting")
    assert advice.steps(shop(), "en") == ()
