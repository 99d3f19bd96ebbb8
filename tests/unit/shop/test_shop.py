"""Slips in, events out, by the contract's section 6: the shop's rules in plain calls."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from edge_agent.observations import Decoded, Receipt, Record, Scan, Undecoded
from edge_agent.redact import Redactor
from edge_agent.shop.shop import Shop
from edge_agent.shop.slips import SlipReader
from tests.support.slips import BUILT_MS, TILL, Book, at, receipt, sale, settings

RETURN = """\
惠民便利店
*** 退货单 ***
单号: 20261122000140   收银机: 03
原单号: 20261122000137
2026-11-22 11:31:05  收银员: 王芳
农夫山泉550ml   -2  2.00   -4.00
合  计                     -4.00
退款 现金                  -4.00
"""
VOID = sale().replace("惠民便利店", "惠民便利店\n*** 作废单 ***")
TOP_UP = """\
惠民便利店
会员充值小票
单号: 20261122000141   收银机: 03
2026-11-22 11:31:05  收银员: 王芳
充值金额                  100.00
微信支付                  100.00
"""
DELIVERY = """\
#12 美团外卖
**惠民便利店**
下单时间: 2026-11-22 11:31:05
订单号: 8102345678901234567
农夫山泉550ml    x2          4.00
配送费                       3.00
合计                         7.00
已在线支付                   7.00
"""
SHIFT = "交班报表\n收银员: 王芳\n销售笔数: 120\n销售总额: 8420.00\n现金: 3000.00"
CASH_IN = "备用金存入\n收银机: 03\n2026-11-22 08:00:00\n金额: 500.00"
PREBILL = """\
惠民饭店
预结单
桌号: A5
2026-11-22 10:31:05
宫保鸡丁   1   38.00   38.00
合计                   38.00
"""
REPRINT = sale().replace("惠民便利店", "惠民便利店\n** 补打 **")
KITCHEN = "厨房单\n桌号: A5\n2026-11-22 11:31:05\n宫保鸡丁  x1\n米饭  x2"
MERCHANT_COPY = """\
商户存根
商户名称: 惠民便利店
终端编号: 12345678
授权码: 123456
凭证号: 000123
参考号: 123456789012
金额: RMB 16.00
日期/时间: 2026/11/22 10:31:05
"""


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.mark.parametrize(
    ("text", "event", "kind", "states"),
    [
        (sale(), "completed", "sale", ("completed", "paid", "handed_over", "none")),
        (RETURN, "returned", "return", ("completed", "refunded", "returned", "refunded")),
        (VOID, "voided", "void", ("cancelled", "void", "none", "none")),
        (TOP_UP, "completed", "top_up", ("completed", "paid", "handed_over", "none")),
        (DELIVERY, "completed", "delivery_slip", ("accepted", "paid", "pending", "none")),
    ],
)
def test_each_kind_of_order_has_its_event_and_states(
    book: Book, text: str, event: str, kind: str, states: tuple[str, ...]
) -> None:
    (draft,) = book.observe(receipt(text))
    order: Any = draft.data
    assert (draft.type, order.kind) == (f"o2o.order.{event}.v1", kind)
    assert msgspec.structs.astuple(order.states) == states
    assert (draft.device, draft.partitionkey) == (TILL, "sh-0001/till-1")
    assert draft.subject == f"order/{order.order_id}"
    assert (order.revision, order.mode, order.business_day, order.currency) == (1, "in_store", "2026-11-22", "CNY")


def test_a_sale_says_who_where_and_when(book: Book) -> None:
    _, order = book.one(receipt(sale()))
    assert order["attribution"] == {
        "store": "sh-0001", "touchpoint": "till-1", "workstation": "03", "cashier": "王芳",
        "guide": None, "scene": None,
    }  # fmt: skip
    assert order["source"] == {"system": "register", "device": TILL, "order_no": "20261122000137"}
    assert order["channel"] == {"id": "in_store", "owner": "acme"}
    assert (order["completed_at"], order["printed_at"]) == ("2026-11-22T10:31:07.000+08:00", "2026-11-22T10:31:05")
    assert (order["totals"]["payable"], order["totals"]["tendered"], order["totals"]["change"]) == (1600, 2000, 400)
    assert [(line["kind"], line["amount"]) for line in order["lines"]] == [
        ("sale", 400), ("sale", 450), ("sale", 854), ("discount", -104),
    ]  # fmt: skip
    assert order["checks"] == {"lines": "pass", "tenders": "pass", "receipt_number": "unknown"}
    (capture,) = book.captures
    assert order["evidence"]["capture_sha256"] == capture.sha256
    assert capture.body.decode("gb18030").startswith("        惠民便利店")


def test_a_platforms_slip_belongs_to_its_channel(book: Book) -> None:
    _, order = book.one(receipt(DELIVERY))
    assert (order["channel"]["id"], order["order_no"]) == ("meituan", "8102345678901234567")


def test_a_stored_value_top_up_is_no_goods(book: Book) -> None:
    _, order = book.one(receipt(TOP_UP))
    assert [(line["kind"], line["amount"]) for line in order["lines"]] == [("top_up", 10000)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [(PREBILL, "prebill"), (REPRINT, "reprint"), (KITCHEN, "kitchen"), (MERCHANT_COPY, "merchant_copy")],
)
def test_slips_that_are_no_orders_are_only_counted(book: Book, text: str, kind: str) -> None:
    assert book.observe(receipt(text)) == []
    counts = book.shop.counts(at())
    assert (counts.seen, counts.orders, book.shop.seen) == ({kind: 1}, 0, {kind: 1})


@pytest.mark.parametrize(
    ("slip", "reason"),
    [
        (receipt("谢谢惠顾\n欢迎再来"), "no_template"),
        (receipt(sale(), flags=("star",)), "star"),
        (receipt("%PDF-1.7", flags=("foreign",)), "foreign"),
        (Receipt((), b"\x1dv0\x00\x01\x00\x01\x00\xff", flags=("image_only",)), "image_only"),
    ],
)
def test_what_makes_no_order_goes_out_with_its_text_and_the_reason(book: Book, slip: Receipt, reason: str) -> None:
    slip = replace(slip, barcodes=("https://invoice.example/q?n=1",))
    kind, unparsed = book.one(slip)
    assert (kind, unparsed["reason"]) == ("o2o.order.unparsed.v1", reason)
    assert unparsed["text"] == list(slip.lines)
    assert unparsed["evidence"]["unparsed"] == ["https://invoice.example/q?n=1"], "a code that was printed is kept, too"
    assert unparsed["evidence"]["flags"] == list(slip.flags)
    assert (unparsed["device"], unparsed["touchpoint"], unparsed["business_day"]) == (TILL, "till-1", "2026-11-22")
    assert unparsed["evidence"]["capture_sha256"] == book.captures[0].sha256
    assert book.shop.counts(at()).unparsed == 1


def test_a_tills_own_report_closes_its_day_and_cash_moved_is_told(book: Book) -> None:
    book.observe(receipt(sale()))
    kind, closed = book.one(receipt(SHIFT))
    assert (kind, closed["cause"], closed["workstation"], closed["orders"]) == (
        "o2o.day.closed.v1", "shift_report", "03", 1,
    )  # fmt: skip
    assert book.observe(receipt(SHIFT)) == [], "printed again"
    kind, moved = book.one(receipt(CASH_IN))
    assert (kind, moved["direction"], moved["amount"], moved["workstation"]) == (
        "o2o.cash.moved.v1",
        "in",
        50_000,
        "03",
    )
    counts = book.shop.counts(at())
    assert (counts.orders, counts.unparsed, counts.seen) == (1, 0, {"sale": 1, "shift_report": 2, "cash_in_out": 1})


def test_sums_that_fail_are_sent_as_such(book: Book) -> None:
    kind, order = book.one(receipt(sale().replace("16.00", "17.00")))
    assert (kind, order["totals"]["payable"]) == ("o2o.order.completed.v1", 1700)
    assert (order["checks"]["lines"], order["checks"]["tenders"]) == ("fail", "fail")


SECRETS = ("13812345678", "134567890123456789", "6222021234567890128")
PRIVATE = """\
会员手机: 13812345678
付款码: 134567890123456789
银行卡号: 6222021234567890128
"""


@pytest.mark.parametrize(
    "text", [sale(extra=PRIVATE), f"随便什么\n{PRIVATE}", REPRINT + PRIVATE, SHIFT + "\n" + PRIVATE]
)
def test_nothing_private_leaves_the_slip(book: Book, text: str) -> None:
    book.observe(receipt(text, barcodes=("134567890123456789",)))
    told = msgspec.json.encode([draft.data for draft in book.events]).decode()
    told += "".join(capture.body.decode("gb18030", "replace") for capture in book.captures)
    told += repr(book.rows)
    assert [secret for secret in SECRETS if secret in told] == []


def test_a_payment_code_printed_as_bar_code_becomes_no_order_number(book: Book) -> None:
    _, order = book.one(receipt(sale(number=None), barcodes=("134567890123456789",)))
    assert "134567890123456789" not in msgspec.json.encode(order).decode()


# --- the same paper again ---


def test_the_same_paper_is_one_order(book: Book) -> None:
    book.observe(receipt(sale()))
    assert book.observe(receipt(sale()), at("2026-11-23T09:00:00")) == []
    counts = book.shop.counts(at("2026-11-23T09:00:00"))
    assert (counts.duplicates, counts.orders) == (1, 0)


@pytest.mark.parametrize(
    "other", [sale("20261122000138"), sale(printed="2026-11-22 10:31:06"), sale().replace("散装苹果", "散装香蕉")]
)
def test_another_number_time_or_body_is_another_order(book: Book, other: str) -> None:
    book.observe(receipt(sale()))
    _, order = book.one(receipt(other))
    assert "suspected_duplicate" not in order["evidence"]["flags"]


@pytest.mark.parametrize("text", [sale(number=None), sale(printed=None), sale(None, None)])
def test_without_number_or_time_nothing_is_merged_only_suspected(book: Book, text: str) -> None:
    _, first = book.one(receipt(text))
    _, second = book.one(receipt(text), at("2026-11-22T10:32:00"))
    _, later = book.one(receipt(text), at("2026-11-22T18:00:00"))
    assert len({first["order_id"], second["order_id"], later["order_id"]}) == 3
    flags = [order["evidence"]["flags"] for order in (first, second, later)]
    assert flags == [[], ["suspected_duplicate"], []]


# --- numbers ---


def test_a_missing_receipt_number_is_told(book: Book) -> None:
    for number in range(137, 142):
        book.observe(receipt(sale(f"20261122{number:06d}")))
    _, order = book.one(receipt(sale("20261122000144")))
    assert order["checks"]["receipt_number"] == "fail"
    assert order["evidence"]["flags"] == ["missing:20261122000142..20261122000143"]
    assert book.shop.gaps == 1


def test_a_void_and_a_platforms_slip_do_not_disturb_the_numbering(book: Book) -> None:
    for number in range(137, 142):
        book.observe(receipt(sale(f"20261122{number:06d}")))
    for text in (VOID, DELIVERY):
        assert book.one(receipt(text))[1]["checks"]["receipt_number"] == "unknown"
    assert book.one(receipt(sale("20261122000142")))[1]["checks"]["receipt_number"] == "pass"


# --- the day ---


@pytest.mark.parametrize(
    ("local", "day"),
    [("2026-11-23T03:59:59", "2026-11-22"), ("2026-11-23T04:00:00", "2026-11-23")],
)
def test_the_agents_clock_decides_the_business_day(book: Book, local: str, day: str) -> None:
    _, order = book.one(receipt(sale(printed="2026-11-20 12:00:00")), at(local))
    assert order["business_day"] == day
    assert order["completed_at"].startswith(local)


def test_before_the_clock_is_set_the_paper_decides(book: Book) -> None:
    unset = at("1970-01-01T08:00:10")
    assert unset.wall_ms < BUILT_MS
    _, order = book.one(receipt(sale()), unset)
    assert (order["business_day"], order["completed_at"]) == ("2026-11-22", "2026-11-22T10:31:05.000+08:00")
    book.observe(receipt("谢谢惠顾"), unset)
    counts = book.shop.counts(unset)
    assert (counts.business_day, counts.orders, counts.unparsed) == ("2026-11-22", 1, 1)


def test_a_clock_that_had_been_ahead_does_not_stop_the_counts(book: Book) -> None:
    book.observe(receipt(sale("1")), at("2027-11-22T12:00:00"))
    book.observe(receipt(sale("2")), at("2026-11-22T12:00:00"))
    assert book.shop.counts(at("2026-11-22T12:00:00")).orders == 1


# --- records, codes, noise ---

RECORD: dict[str, object] = {
    "order_no": "A-17",
    "printed_at": "2026-11-22T10:31:05",
    "workstation": "3",
    "member": 13812345678,
    "lines": [{"name": "农夫山泉550ml", "quantity": "2", "amount": "4.00"}, {"name": "会员折扣", "amount": "-1.04"}],
    "tenders": [{"type": "wechat_pay", "amount": "2.96", "reference": "4200001234202611221234567890"}],
    "totals": {"payable": "2.96"},
}


def record(encoding: str = "utf-8", **changes: object) -> Record:
    fields = {**RECORD, **changes}
    return Record(fields, msgspec.json.encode(fields).decode().encode(encoding) + b"\n")


def test_a_record_is_an_order_like_any_other(book: Book) -> None:
    kind, order = book.one(record())
    assert (kind, order["order_no"], order["totals"]["payable"]) == ("o2o.order.completed.v1", "A-17", 296)
    assert order["checks"] == {"lines": "pass", "tenders": "pass", "receipt_number": "unknown"}
    assert order["tenders"][0]["reference"] == "4200001234202611221234567890", "a trade number is no payment code"
    assert book.observe(record()) == [], "the same record again is the same order"
    assert book.one(record(kind="return", order_no="A-18"))[0] == "o2o.order.returned.v1"
    assert book.one(record(kind="void", order_no="A-19"))[0] == "o2o.order.voided.v1"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("payable", ["2.96", "lots"])
def test_a_record_keeps_its_secrets_in_every_encoding(book: Book, encoding: str, payable: str) -> None:
    private = {"顾客": "13900001111", "auth_code": "134567890123456789", "会员": {"手机": "13700002222"}}
    book.observe(record(encoding, totals={"payable": payable}, **private))
    told = msgspec.json.encode([draft.data for draft in book.events]).decode() + repr(book.rows)
    told += "".join(capture.body.decode(encoding) for capture in book.captures)
    secrets = ("13812345678", "13900001111", "134567890123456789", "13700002222")
    assert [secret for secret in secrets if secret in told] == []


def test_a_record_that_makes_no_sense_is_unparsed_with_its_text(book: Book) -> None:
    _, unparsed = book.one(record(totals={"payable": "lots"}))
    assert unparsed["reason"] == "record: totals.payable is 'lots': not a number"
    assert "农夫山泉550ml" in "".join(unparsed["text"])


def test_a_code_is_presented_and_a_payment_code_is_not_shown(book: Book) -> None:
    kind, presented = book.one(Scan("6901234567892"))
    assert (kind, presented["code"], presented["touchpoint"]) == ("o2o.code.presented.v1", "6901234567892", "till-1")
    assert "134567890123456789" not in book.one(Scan("134567890123456789"))[1]["code"]


def test_noise_is_nobodys_event(book: Book) -> None:
    assert book.observe(Undecoded(b"\xff\xfe", "noise")) == []


# --- defects ---


class _DefectError(Exception):
    pass


def _fail(*_: object, **__: object) -> Any:
    raise _DefectError


@pytest.mark.parametrize(
    ("observation", "text"),
    [
        (receipt(sale(extra=PRIVATE), barcodes=("CODE-1",)), "农夫山泉550ml"),
        (record(), "农夫山泉550ml"),
        (Scan("6901234567892"), "6901234567892"),
        (receipt("half a surrogate \ud800"), "half a surrogate ?"),
    ],
)
def test_what_the_rules_fail_on_is_unparsed_with_its_redacted_text(book: Book, observation: Decoded, text: str) -> None:
    book.keep(book.shop.defect(TILL, observation, at()))
    (draft,) = book.events
    unparsed: Any = draft.data
    assert (draft.type, unparsed.reason) == ("o2o.order.unparsed.v1", "defect")
    assert text in "\n".join(unparsed.text)
    assert "13812345678" not in repr(unparsed)


def test_where_even_redacting_fails_no_text_goes_out(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redactor, "redact_lines", _fail)
    book.keep(book.shop.defect(TILL, receipt(sale()), at()))
    unparsed: Any = book.events[0].data
    assert (unparsed.text, unparsed.evidence.capture_sha256, book.captures) == ((), None, [])


@pytest.mark.parametrize("place", ["edge_agent.receipts.read", "edge_agent.shop.numbers.Numbers.check"])
def test_a_defect_leaves_the_memory_as_it_was(book: Book, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    for number in range(137, 141):
        book.observe(receipt(sale(f"20261122{number:06d}")))
    with monkeypatch.context() as defect:
        defect.setattr(place, _fail)
        with pytest.raises(_DefectError):
            book.observe(receipt(sale("20261122000141")))
    with pytest.raises(UnicodeEncodeError):  # what cannot be written fails in the rules, too
        book.observe(receipt(sale("20261122000141").replace("王芳", "\ud800")))
    _, order = book.one(receipt(sale("20261122000141")))
    assert (order["checks"]["receipt_number"], order["evidence"]["flags"]) == ("pass", [])
    assert book.shop.counts(at()).orders == 5


def test_an_order_without_a_total_is_no_order(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge_agent import receipts

    def without_total(*arguments: Any) -> Any:
        reading = receipts.reader.read(*arguments)
        assert reading is not None
        return replace(reading, totals=msgspec.structs.replace(reading.totals, payable=None))

    monkeypatch.setattr(receipts, "read", without_total)
    kind, unparsed = book.one(receipt(sale()))
    assert (kind, unparsed["reason"]) == ("o2o.order.unparsed.v1", "no_total")


# --- a restart anywhere ---

slips: st.SearchStrategy[Decoded] = st.one_of(
    st.builds(sale, st.integers(100, 106).map(lambda n: f"20261122{n:06d}")).map(receipt),
    st.sampled_from((sale(None), sale(printed=None), RETURN, VOID, REPRINT, SHIFT, "谢谢")).map(receipt),
    st.sampled_from((record(), Scan("6901234567892"))),
)


@given(st.lists(slips, max_size=7), st.data())
@hypothesis_settings(max_examples=25)
def test_a_restart_anywhere_changes_nothing(seen: list[Decoded], chosen: st.DataObject) -> None:
    cut = chosen.draw(st.integers(0, len(seen)))
    whole, cut_short = Book(), Book()
    for index, observation in enumerate(seen):
        moment = at(f"2026-11-22T10:{index:02d}:00")
        if index == cut:
            cut_short.restart()
        whole.observe(observation, moment)
        cut_short.observe(observation, moment)
    assert [_without_ids(draft) for draft in cut_short.events] == [_without_ids(draft) for draft in whole.events]
    end = at("2026-11-22T11:00:00")
    assert cut_short.shop.counts(end) == whole.shop.counts(end)


def _without_ids(draft: Any) -> tuple[str, dict[str, Any]]:
    fields = msgspec.to_builtins(draft.data)
    fields.pop("order_id", None)
    fields.pop("digest", None)  # is made of them
    return draft.type, fields


def test_reading_alone_remembers_nothing() -> None:
    reader = SlipReader(settings(), Redactor(b"key"))
    facts = settings().devices[TILL]
    first, second = (reader.receipt(facts, receipt(sale()), at()) for _ in range(2))
    assert first.paper == second.paper
    assert Shop(settings(), b"key", lambda _: {}).counts(at()).orders == 0
