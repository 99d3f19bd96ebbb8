"""What captures of an unknown layout teach: a template that reads a slip it never saw, or an honest refusal."""

import codecs
import re
import tomllib
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from edge_agent import receipts
from edge_agent.receipts import Reading, Template, TemplateSettings
from edge_agent.receipts.teach import Lesson, teach
from edge_agent.receipts.teach.slip import opened
from edge_agent.redact import Redactor
from tests.support import taught
from tests.support.receipts import en, unseen_en, unseen_zh, zh
from tests.support.receipts.paper import Layout as Printed
from tests.support.receipts.paper import Sale
from tests.support.taught import SALES, UNSEEN

Layout = Callable[[taught.Sale], Sequence[str]]
SHIPPED = tuple(receipts.compile(settings) for settings in receipts.shipped().values())
# What every till writes in figures' company; all other letters of a layout are put into a script nobody knows.
_KEPT = set("年月日元円件斤个份公克千")
_KEPT_WORDS = {"kg", "x", "g", "ml", "l", "lb", "am", "pm", "eur", "gbp", "usd"}


def learn(layout: Layout, **given: object) -> Lesson:
    return teach([layout(sale) for sale in SALES], SHIPPED, **given)  # type: ignore[arg-type]  # named as in teach


def learnt(lesson: Lesson) -> Template:
    """Return the template as a store would load it: from the text a person pastes."""
    assert lesson.toml is not None, lesson.report
    [table] = tomllib.loads(lesson.toml)["receipt_template"]
    settings = TemplateSettings.model_validate(table)
    assert settings == lesson.settings
    return receipts.compile(settings)


def read(lines: Sequence[str], template: Template) -> Reading:
    reading = receipts.read(lines, [template, *SHIPPED])
    assert reading is not None
    assert reading.template == "taught@1"
    return reading


@pytest.mark.parametrize("layout", taught.LAYOUTS.values(), ids=taught.LAYOUTS)
def test_a_layout_of_unknown_words_is_learnt_from_three_sales(layout: Layout) -> None:
    before = receipts.read(layout(UNSEEN), SHIPPED)
    assert before is None or (before.lines_check, before.tenders_check) != ("pass", "pass")

    reading = read(layout(UNSEEN), learnt(learn(layout)))

    assert (reading.kind, reading.number, str(reading.printed_at)) == ("sale", UNSEEN.number, f"{UNSEEN.at}:00")
    assert (reading.lines_check, reading.tenders_check, reading.unparsed) == ("pass", "pass", ())
    assert [
        (line.name, line.quantity, line.unit_price, line.amount) for line in reading.lines if line.kind == "sale"
    ] == [(name, str(n), price, n * price) for name, n, price in UNSEEN.goods]
    assert reading.totals.payable == UNSEEN.payable
    assert reading.totals.discount - reading.totals.rounding == UNSEEN.less
    assert [(t.type, t.amount) for t in reading.tenders] == [("other", UNSEEN.handed)]
    assert reading.totals.change == UNSEEN.handed - UNSEEN.payable


def test_the_template_carries_every_capture_as_a_sample_and_proves_itself() -> None:
    template = learnt(learn(taught.columns))

    assert [sample.order.payable for sample in template.settings.samples] == [sale.payable for sale in SALES]
    assert receipts.check_samples(template) == []
    assert template.settings.checks == ("lines", "tenders")


def test_a_person_says_what_a_label_is() -> None:
    template = learnt(learn(taught.columns, labels={"纳来": "cash"}))

    assert [(t.type, t.amount) for t in read(taught.columns(UNSEEN), template).tenders] == [("cash", UNSEEN.handed)]


def test_it_says_what_each_row_was_taken_for() -> None:
    report = learn(taught.columns).report

    meanings = {row.split()[1]: row.split()[0] for row in report if row.startswith("  ")}
    assert meanings["归总"] == "subtotal"
    assert meanings["当纳"] == "payable"
    assert meanings["纳来"] == "tender"
    assert meanings["归还"] == "change"
    assert meanings["票根"] == "number"
    assert meanings["Quiche"] == "goods"
    assert any("纳来" in row and "--label" in row for row in report)


def test_tokens_of_redaction_are_neither_numbers_nor_claims() -> None:
    redactor = Redactor(b"k" * 32)
    phones = ("13812345678", "13987654321", "13700001111")
    sales = [
        taught.Sale(s.number, s.at, s.goods, s.handed, s.less, phone) for s, phone in zip(SALES, phones, strict=True)
    ]
    captures = [redactor.redact_lines(taught.columns(sale)).lines for sale in sales]
    assert not any(phone in "\n".join(rows) for rows in captures for phone in phones)

    lesson = teach(captures, SHIPPED)
    template = learnt(lesson)
    unseen = redactor.redact_lines(taught.columns(UNSEEN)).lines

    assert read(unseen, template).number == UNSEEN.number
    token = next(row.split()[1] for row in captures[0] if row.startswith("联系电话"))
    assert token.startswith("*")
    assert token not in "".join((*template.settings.match, *template.settings.fields.values()))


def test_what_the_shipped_templates_read_needs_no_other() -> None:
    slips = [zh.supermarket_columns(Sale(seed)).lines for seed in (2, 4, 6)]

    lesson = teach(slips, SHIPPED)

    assert lesson.toml is None
    assert lesson.known_by == ("zh-retail@1",)
    assert teach(slips, SHIPPED, force=True).toml is not None


def off(sale: taught.Sale) -> tuple[str, ...]:
    """The layout of columns with a total that is not what its goods come to."""
    wrong = {f"{sale.total / 100:.2f}", f"{sale.payable / 100:.2f}"}
    return tuple(
        " ".join("91.37" if word in wrong and row[0] in "归当" else word for word in row.split(" "))
        for row in taught.columns(sale)
    )


def test_sums_that_do_not_hold_teach_nothing() -> None:
    lesson = learn(off)

    assert (lesson.toml, lesson.settings, lesson.known_by) == (None, None, ())
    assert "nothing is proposed" in lesson.report[0]
    assert any("91.37" in row for row in lesson.report)


def test_one_slip_or_the_same_twice_teaches_nothing() -> None:
    slip = taught.columns(SALES[0])
    for captures in ([slip], [slip, slip]):
        assert teach(captures, SHIPPED).toml is None
    later = tuple(row.replace("LS-0092", "LS-0093") for row in slip)
    assert "same goods" in teach([slip, later], SHIPPED).report[0]


def test_captures_of_different_layouts_teach_nothing() -> None:
    mixed = [layout(sale) for layout, sale in zip(taught.LAYOUTS.values(), SALES, strict=True)]
    assert teach(mixed, SHIPPED).toml is None


def voucher(sale: taught.Sale) -> tuple[str, ...]:
    """A slip on which what was taken off may as well have been how a part was paid."""
    paid = 300
    goods = [f"{name}   {n}   {price / 100:.2f}   {n * price / 100:.2f}" for name, n, price in sale.goods]
    foot = [f"归总   {sale.total / 100:.2f}", f"舍子   {paid / 100:.2f}", f"纳来   {(sale.total - paid) / 100:.2f}"]
    return ("晨曦小铺", f"票根 {sale.number}", sale.at, "物什  几何  单值  共值", *goods, *foot)


def test_where_two_readings_hold_a_person_is_asked() -> None:
    asked = learn(voucher)
    assert asked.toml is None
    assert any("舍子" in row and "--label" in row for row in asked.report)

    less = read(voucher(UNSEEN), learnt(learn(voucher, labels={"舍子": "discount"})))
    assert (less.totals.payable, less.totals.discount) == (UNSEEN.total - 300, 300)
    paid = read(voucher(UNSEEN), learnt(learn(voucher, labels={"舍子": "coupon", "纳来": "cash"})))
    assert paid.totals.payable == UNSEEN.total
    assert [(t.type, t.amount) for t in paid.tenders] == [("coupon", 300), ("cash", UNSEEN.total - 300)]


def estranged(row: str) -> str:
    """Return a row in words no table knows, its figures as they are."""
    row = re.sub(r"[A-Za-z]+", lambda m: m[0] if m[0].lower() in _KEPT_WORDS else codecs.encode(m[0], "rot13"), row)
    return "".join(
        chr(0x4E00 + ((ord(c) - 0x4E00) * 7 + 1234) % 20000) if "\u4e00" <= c <= "\u9fff" and c not in _KEPT else c
        for c in row
    )


SALE_LAYOUTS = [
    layout
    for module in (zh, unseen_zh, en, unseen_en)
    for layout in module.LAYOUTS
    if layout(Sale(0)).truth.kind == "sale" and layout(Sale(1)).truth.kind == "sale"
]


def test_strange_words_on_known_layouts_never_teach_a_wrong_total() -> None:
    outcomes = {layout.__name__: _outcome(layout, estranged) for layout in SALE_LAYOUTS}

    assert [name for name, right in outcomes.items() if right is False] == []
    assert sum(right is True for right in outcomes.values()) >= len(SALE_LAYOUTS) * 2 // 5


def test_one_strange_label_on_a_known_layout_is_learnt() -> None:
    outcomes = {}
    for at, layout in enumerate(SALE_LAYOUTS):
        labels = _labels(layout(Sale(8)).lines)
        strange = labels[at % len(labels)] if labels else ""
        stranger = "褉穋鄯" if any(c >= "\u4e00" for c in strange) else "Zqovk"
        renamed = partial(_renamed, old=strange, new=stranger) if strange else str
        outcomes[layout.__name__, strange] = _outcome(layout, renamed)

    assert [name for name, right in outcomes.items() if right is False] == []
    assert sum(right is True for right in outcomes.values()) >= len(SALE_LAYOUTS) * 3 // 4


def _renamed(row: str, old: str, new: str) -> str:
    return row.replace(old, new)


def _labels(rows: Sequence[str]) -> list[str]:
    """Return the printed labels of money and tenders that the shipped words know."""
    lexicon = next(template.lexicon for template in SHIPPED if template.settings.name == "zh-retail")
    found = [labelled for row in opened(rows, lexicon, 2, whole=False) for labelled in row.labelled]
    words = [(labelled.label, lexicon.meaning(labelled.label)) for labelled in found]
    return [label for label, word in words if word is not None and word.group in ("money", "tenders")]


def _outcome(layout: Printed, changed: Callable[[str], str]) -> bool | None:
    """Return whether a fourth slip is read without a wrong figure by what three taught; None: nothing was proposed."""
    slips = [layout(Sale(seed)) for seed in (8, 9, 10, 11)]
    rows = [[changed(row) for row in slip.lines] for slip in slips]
    lesson = teach(rows[:3], SHIPPED, slips[0].currency, force=True)
    if lesson.settings is None:
        return None
    reading = receipts.read(rows[3], [receipts.compile(lesson.settings), *SHIPPED], slips[3].currency)
    if reading is None or reading.lines_check != "pass":
        return True
    tendered = sum(tender.amount for tender in reading.tenders) - (reading.totals.change or 0)
    return reading.totals.payable == slips[3].truth.payable and tendered in (0, slips[3].truth.payable)
