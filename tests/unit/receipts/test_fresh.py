"""Slips written down one by one, as shops of all kinds print them."""

import pytest

from edge_agent import receipts
from edge_agent.receipts import Reading
from edge_agent.redact import Redactor
from tests.support.receipts.fresh import Fresh, score_fresh, slips

TEMPLATES = [receipts.compile(settings) for settings in receipts.shipped().values()]
BATCHES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
EVERY = [slip for batch in BATCHES for slip in slips(batch)]


@pytest.mark.parametrize("batch", BATCHES)
def test_slips_are_read_right_and_never_wrong_in_silence(batch: str) -> None:
    result = score_fresh(batch, TEMPLATES)
    assert result.share >= 0.97, result.wrong
    assert result.silent == []


@pytest.mark.parametrize("slip", EVERY, ids=lambda slip: str(slip.name))
def test_redaction_takes_the_secrets_and_leaves_the_figures(slip: Fresh) -> None:
    clean = Redactor(b"a store's own key").redact_lines(slip.lines).lines
    assert not [secret for secret in slip.secrets if secret in "\n".join(clean)]
    assert _figures(read(clean, slip.currency)) == _figures(read(slip.lines, slip.currency))


def read(lines: tuple[str, ...], currency: str = "CNY") -> Reading | None:
    return receipts.read(lines, TEMPLATES, currency)


def _figures(reading: Reading | None) -> object:
    if reading is None:
        return None
    return reading.kind, reading.number, reading.totals, [(t.type, t.amount) for t in reading.tenders]


def understood(text: str, currency: str = "CNY") -> Reading:
    reading = read(tuple(text.strip("\n").split("\n")), currency)
    assert reading is not None
    return reading


def test_names_wrapped_over_rows_keep_their_tail() -> None:
    reading = understood("""
单号 1188
------------------------------
特级初榨橄榄油  1 128.00 128.00
礼盒装双瓶
维他奶          2   5.00  10.00
------------------------------
西班牙进口火腿切片
超值家庭装
6901028075862   1  59.00  59.00
合计 197.00
现金 200.00
找零 3.00
""")
    assert [line.name for line in reading.lines] == [
        "特级初榨橄榄油礼盒装双瓶",
        "维他奶",
        "西班牙进口火腿切片超值家庭装",
    ]
    assert reading.lines_check == "pass"


def test_an_amount_no_word_names_needs_the_goods_to_prove_it() -> None:
    reading = understood("烤冷面   8\n豆腐脑   7\n-------\n        15\n现金    20\n找       5")
    assert (reading.totals.payable, reading.lines_check, reading.tenders_check) == (1500, "pass", "pass")
    assert read(("烤冷面   8", "豆腐脑   9", "-------", "现金    20", "找       5")) is None


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("Receipt 3902 1188 2044 5566 12", "390211882044556612"),
        ("Receipt 0211 20261103 0047", "0211202611030047"),
        ("TRN#8830 4471 0093 2218", "8830447100932218"),
        ("Receipt 8812  Till 03", "8812"),
    ],
)
def test_numbers_printed_in_groups_are_one_number(printed: str, number: str) -> None:
    reading = understood(f"SHOP\n{printed}\nTEA      3.00\nTOTAL    3.00\nCASH     3.00", "GBP")
    assert reading.number == number


def test_an_offer_under_an_item_is_a_discount() -> None:
    reading = understood(
        "SHAMPOO  9.99\nSOAP     9.99\nMASK    12.50\n 3 FOR 2 OFFER  -9.99\nTOTAL   22.49\nVISA    22.49", "GBP"
    )
    assert [(line.kind, line.amount) for line in reading.lines][-1] == ("discount", -999)
    assert (reading.lines_check, reading.tenders_check) == ("pass", "pass")


def test_a_title_and_a_balance_name_no_payment() -> None:
    reading = understood("茶餐廳\n單號:H7781\n凍檸茶   6.00\n總數:  $6.00\n八達通:  $6.00\n八達通餘額: $103.40", "HKD")
    assert [(t.type, t.amount) for t in reading.tenders] == [("stored_value", 600)]
