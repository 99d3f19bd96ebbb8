"""Templates as data: what they may say, and that they prove themselves."""

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from edge_agent import receipts
from edge_agent.receipts import TemplateSettings

ODD = """
ZZ SHOP
BELEG 4711
A-Kaffee     2 Stk      5,00
B-Kuchen     1 Stk      3,20
   mit Sahne
Rabatt                 -0,20
SALDO                   8,00
GEGEBEN BAR            10,00
ZURUECK                 2,00
"""


def settings(**keys: object) -> TemplateSettings:
    return TemplateSettings.model_validate({"name": "own", **keys})


@pytest.mark.parametrize("name", list(receipts.shipped()))
def test_shipped_templates_read_their_own_samples(name: str) -> None:
    template = receipts.compile(receipts.shipped()[name])
    assert template.settings.samples
    assert receipts.check_samples(template) == []


def test_shipped_templates() -> None:
    assert set(receipts.shipped()) == {"zh-retail", "zh-restaurant", "en-retail", "ja-retail", "ko-retail"}


def test_a_sample_that_is_read_otherwise_is_reported() -> None:
    sample = {"text": "可乐 6.00\n合计 6.00", "order": {"payable": 700}}
    problems = receipts.check_samples(receipts.compile(settings(samples=[sample])))
    assert problems == ["own@1: sample 1: payable: expected 700, read 600"]


def test_a_sample_nobody_understands_is_reported() -> None:
    template = receipts.compile(settings(samples=[{"text": "hello", "order": {}}]))
    assert receipts.check_samples(template) == ["own@1: sample 1: the template does not understand it"]


@pytest.mark.parametrize(
    "keys",
    [
        {"match": ["(?=a)"]},
        {"fields": {"number": r"(\1"}},
        {"tenders": {"Bar": "money"}},
        {"kind": {"gift": ["x"]}},
        {"unknown": 1},
        {"words": []},
        {"columns": ["price"]},
    ],
)
def test_what_a_template_may_not_say(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"fields": {"number": "BELEG"}}, "fields.number"),
        ({"lines": {"item": r"(?P<name>\S+)"}}, "lines.item"),
        ({"lines": {"adjust": r"(?P<name>\S+)"}}, "lines.adjust"),
    ],
)
def test_a_pattern_without_its_group_is_refused_by_name(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        receipts.compile(settings(**keys))


def test_a_layout_of_another_language_needs_only_data() -> None:
    template = receipts.compile(
        settings(
            match=["ZZ SHOP"],
            words=["en"],
            fields={"number": r"BELEG (\d+)", "payable": r"SALDO\s+(\S+)"},
            tenders={"gegeben bar": "cash"},
            lines={
                "end": "^SALDO",
                "item": r"^(?P<name>\S.*?)\s+(?P<quantity>\d+) Stk\s+(?P<amount>\S+)$",
                "adjust": r"^(?P<name>Rabatt)\s+(?P<amount>\S+)$",
                "continuation": r"^\s+\S",
            },
        )
    )
    reading = receipts.read(ODD.strip().splitlines(), [template], "EUR")
    assert reading is not None
    assert (reading.number, reading.totals.payable, reading.lines_check) == ("4711", 800, "pass")
    assert [(line.name, line.quantity, line.amount) for line in reading.lines] == [
        ("A-Kaffee", "2", 500),
        ("B-Kuchenmit Sahne", "1", 320),
        ("Rabatt", None, -20),
    ]
    assert [(t.type, t.amount) for t in reading.tenders] == [("cash", 1000)]


def test_match_keeps_a_template_to_its_own_slips() -> None:
    template = receipts.compile(settings(match=["惠民超市"]))
    assert receipts.read(["别家", "合计 6.00"], [template]) is None
    assert receipts.read(["惠民超市", "合计 6.00"], [template]) is not None


def test_a_template_with_checks_passes_on_what_does_not_add_up() -> None:
    strict = receipts.compile(settings(checks=["lines"]))
    assert receipts.read(["可乐 5.00", "合计 6.00"], [strict]) is None
    assert receipts.read(["可乐 6.00", "合计 6.00"], [strict]) is not None


def test_a_template_may_say_what_received_means() -> None:
    lines = ["可乐 6.00", "实收:6.00"]
    net = receipts.read(lines, [receipts.compile(settings(received="net"))])
    assert net is not None
    assert net.totals.payable == 600


def test_own_kind_words() -> None:
    template = receipts.compile(settings(kind={"return": ["^GUTSCHRIFT"]}))
    reading = receipts.read(["GUTSCHRIFT", "可乐 6.00", "合计 6.00"], [template])
    assert reading is not None
    assert reading.kind == "return"


def test_the_body_key_knows_the_same_paper_again() -> None:
    first = ["惠民超市", "单号: 1", "可乐     2.00", "合计 2.00", "打印时间:2026-11-22 10:00:00"]
    again = ["** 补打 **", "惠民超市", "", "单号:1", "可乐 2.00", "合计   2.00", "打印时间:2026-11-22 18:00:00"]
    other = ["惠民超市", "单号: 2", "可乐     2.00", "合计 2.00"]
    assert receipts.body_key(first) == receipts.body_key(again)
    assert receipts.body_key(first) != receipts.body_key(other)


def test_the_example_of_the_documentation_works() -> None:
    page = (Path(__file__).parents[3] / "docs" / "add-a-receipt-layout.md").read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    template = receipts.compile(TemplateSettings.model_validate(tomllib.loads(example)))
    assert receipts.check_samples(template) == []
