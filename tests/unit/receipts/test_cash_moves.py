"""Money put into the drawer or taken out of it, and the drawer that is only opened."""

# ruff: noqa: E501 - a slip or a list of words in one row is easier to compare than one cut to width

import pytest

from edge_agent import receipts
from edge_agent.receipts import Reading
from edge_agent.receipts.reading import CashMove

TEMPLATES = [receipts.compile(settings) for settings in receipts.shipped().values()]

MOVES = [
    ("CNY", "惠民超市\n备用金存入\n机号:01 收银员:王芳\n2026-11-22 08:01\n金额: 500.00", "in", 50000, "备用金存入"),
    ("CNY", "*** 抽大钞 ***\n收银机:02\n抽取金额:  3,000.00\n剩余现金: 420.00", "out", 300000, "抽大钞"),
    ("CNY", "现金取款单\n取款前金额: 4,000.00\n取款金额: 3,000.00\n取款后余额: 1,000.00\n取款原因: 存银行", "out", 300000, "存银行"),
    ("CNY", "钱箱操作\n操作类型: 存入\n金额:200.00\n原因: 换零钱", "in", 20000, "换零钱"),
    ("CNY", "收支单\n类型:支出\n合计金额:¥35.50\n用途:买冰块", "out", 3550, "买冰块"),
    ("CNY", "入款\n人民币    1000.00", "in", 100000, "入款"),
    ("CNY", "【解款单】\n现金上缴\n¥8,000.00", "out", 800000, "解款单"),
    ("CNY", "缴款单\n收银员 03 王芳\n2026-11-22 22:01\n缴款金额 3,200.00\n签字", "out", 320000, "缴款单"),
    ("CNY", "现金缴款单\n时间 2026-11-22 22:01\n现金 ¥3,200.00", "out", 320000, "现金缴款单"),
    ("CNY", "交款单\n机号 02\n金额: 5000.00", "out", 500000, "交款单"),
    ("CNY", "钱箱取款单 2026-11-22\n取出现金 ¥3,000.00\n原因 上缴营业款", "out", 300000, "上缴营业款"),
    ("TWD", "備用金存入\n金額:3,000", "in", 300000, "備用金存入"),
    ("USD", "QUICKSTOP\nPAID OUT\n11/22/2026 09:10\nAMOUNT      25.00\nREASON: WINDOW CLEANER", "out", 2500, "WINDOW CLEANER"),
    ("USD", "PAID IN\nAmount: $40.00", "in", 4000, "PAID IN"),
    ("GBP", "CASH DROP\nTill 2\nCash Drop          200.00\nIn drawer          110.00", "out", 20000, "CASH DROP"),
    ("GBP", "*** FLOAT ***\nOpening float   £100.00", "in", 10000, "FLOAT"),
    ("USD", "PETTY CASH\nTotal 12.40\nNote: milk", "out", 1240, "milk"),
    ("JPY", "入金伝票\nレジ:01\n金額   ¥30,000\n理由:釣銭補充", "in", 30000, "釣銭補充"),
    ("JPY", "出金伝票\nレジ:01\n金額   ¥5,000", "out", 5000, "出金伝票"),
    ("KRW", "출금 전표\n금액: 50,000\n사유: 은행 입금", "out", 50000, "은행 입금"),
]  # fmt: skip
OPENED = [
    ("CNY", "开钱箱\n机号:01\n2026-11-22 08:01:00\n收银员:王芳"),
    ("CNY", "非销售开钱箱\n收银员:王芳"),
    ("USD", "*** NO SALE ***\n11/22/2026 09:10\nCLERK 4"),
]
OPEN_QUESTIONS = [
    ("CNY", "现金存取单\n金额: 500.00"),
    ("USD", "PAID OUT\nAmount 20.00\nAmount 30.00"),
]


def read(text: str, currency: str) -> Reading:
    reading = receipts.read(tuple(text.split("\n")), TEMPLATES, currency)
    assert reading is not None
    assert (reading.kind, reading.totals.payable, reading.tenders) == ("cash_in_out", None, ())
    return reading


@pytest.mark.parametrize(("currency", "text", "direction", "amount", "reason"), MOVES)
def test_moves(currency: str, text: str, direction: str, amount: int, reason: str) -> None:
    assert read(text, currency).cash == CashMove(direction, amount, reason)


@pytest.mark.parametrize(("currency", "text"), OPENED)
def test_a_drawer_that_was_only_opened_moved_nothing(currency: str, text: str) -> None:
    reading = read(text, currency)
    assert (reading.cash, reading.unparsed) == (None, ())


@pytest.mark.parametrize(("currency", "text"), OPEN_QUESTIONS)
def test_what_does_not_say_which_way_or_how_much_is_no_move(currency: str, text: str) -> None:
    reading = read(text, currency)
    assert reading.cash is None
    assert reading.unparsed
